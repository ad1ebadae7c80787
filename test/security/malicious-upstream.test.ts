import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { ask, host } from '../support/raw-http.ts'

t.test('an upstream decides its answer, and nothing of the connection, the request id or another client\'s answer', async t => {
  let heads = ''
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      heads += chunk.toString('latin1')
      // A second answer that nobody asked for comes right behind: for whoever is given this connection next.
      const answer = [
        'HTTP/1.1 200 OK', 'x-request-id: forged', 'X-Request-Id: forged-too', 'x-hop: 1', 'connection: keep-alive, x-hop', 'keep-alive: timeout=999',
        'proxy-authenticate: Basic', 'content-length: 3', '', 'one',
      ].join('\r\n')
      socket.write(answer + answer.replace('one', 'two'))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { url, key } = await startFront(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, { upstream: 'retries: 0' })

  for (let i = 0; i < 20; i++) {
    const { status, headers, raw } = await ask(url, { target: `/${i}`, headers: [host, `x-api-key: ${key}`, `x-request-id: mine-${i}`] })
    t.ok(status === 200 || status === 502, `${status}`)
    t.strictSame(headers['x-request-id'], [`mine-${i}`])
    for (const name of ['x-hop', 'keep-alive', 'proxy-connection']) t.equal(headers[name], undefined, name)
    t.notMatch(raw, /two|forged/, 'the answer that nobody asked for reaches nobody')
  }
  t.match(heads, /x-latchkey-key-id: \d+/, 'it is told whose request it is')
  t.notOk(heads.includes(key.slice(12)), 'and not the key')
})
