import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'

// Answers the first request of a connection, and resets the connection at the second: a kept-alive socket gone stale.
const asked: string[] = []
const server = createServer((socket: Socket) => {
  let isUsed = false
  socket.on('error', () => {})
  socket.on('data', bytes => {
    asked.push(bytes.toString().split(' HTTP', 1)[0]!)
    if (isUsed) return socket.resetAndDestroy()
    isUsed = true
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => { server.close() })
const { port } = server.address() as AddressInfo

t.test('a stale connection costs an idempotent request without a body nothing, and no other is sent twice', async t => {
  const { url, headers } = await startFront(t, `http://127.0.0.1:${port}`, { upstream: 'retries: 1' })
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
    await openFresh()
    asked.length = 0
    t.equal((await send(`${url}/x`, { method, headers })).status, 200, `${method} is answered`)
    t.same(asked, [`${method} /x`, `${method} /x`], 'by another connection')
  }
  for (const [method, body] of [['POST', undefined], ['PATCH', undefined], ['POST', 'x'], ['PUT', 'x'], ['DELETE', 'x']] as const) {
    await openFresh()
    asked.length = 0
    t.match(await send(`${url}/x`, { method, headers, ...body === undefined ? {} : { body } }), { status: 502, code: 'upstream_unreachable' })
    t.same(asked, [`${method} /x`], `${method} ${body === undefined ? 'without' : 'with'} a body reaches the upstream once`)
  }

  /** Leaves the gateway with one used connection. A retried request has left one, a failed one none. */
  async function openFresh (): Promise<void> {
    for (;;) {
      const { length } = asked
      const { status } = await send(`${url}/open`, { method: 'POST', headers })
      if (status === 200 && asked.length === length + 1) return
    }
  }
})

t.test('retries: 0 is none', async t => {
  const { url, headers } = await startFront(t, `http://127.0.0.1:${port}`, { upstream: 'retries: 0' })
  t.equal((await send(`${url}/x`, { headers })).status, 200)
  asked.length = 0
  t.match(await send(`${url}/x`, { headers }), { status: 502, code: 'upstream_unreachable' })
  t.same(asked, ['GET /x'])
})
