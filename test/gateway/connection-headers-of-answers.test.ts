import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startRawUpstream } from '../support/upstream.ts'

/** The head's lines of one name, in lower case. */
function lines (answer: string, name: string): string[] {
  return answer.slice(0, answer.indexOf('\r\n\r\n')).toLowerCase().split('\r\n').filter(line => line.startsWith(`${name}:`))
}

t.test('an answer says once whether its connection goes on, once when it was made, and once how long it is', async t => {
  const upstream = await startRawUpstream(t, (request, response) => {
    response.sendDate = !request.url!.includes('dateless')
    response.setHeader('content-length', 4)
    response.end('done')
  })
  const { url, key, gateway } = await startFront(t, upstream.url)
  const ask = (path: string, rest = '', version = '1.1') => `GET ${path} HTTP/${version}\r\nHost: gateway\r\nx-api-key: ${key}\r\n${rest}\r\n`
  const kept = await connectTo(t, url)

  for (const path of ['/dated', '/dateless']) {
    kept.received = ''
    kept.write(ask(path))
    await kept.sees('done')
    t.same(lines(kept.received, 'connection'), ['connection: keep-alive'], path)
    t.same(lines(kept.received, 'keep-alive'), ['keep-alive: timeout=65'], path)
    t.equal(lines(kept.received, 'date').length, 1, path)
    t.same(lines(kept.received, 'content-length'), ['content-length: 4'], path)
  }
  for (const [rest, version] of [['Connection: close\r\n', '1.1'], ['', '1.0']] as const) {
    const last = await connectTo(t, url)
    last.write(ask('/dated', rest, version))
    await last.closed()
    t.same(lines(last.received, 'connection'), ['connection: close'], version)
    t.same(lines(last.received, 'keep-alive'), [], version)
    t.ok(last.received.endsWith('\r\n\r\ndone'), version)
  }

  const closing = gateway.close()
  kept.received = ''
  kept.write(ask('/dated'))
  await kept.closed()
  t.same(lines(kept.received, 'connection'), ['connection: close'], 'while it shuts down')
  t.same(lines(kept.received, 'keep-alive'), [], 'while it shuts down')
  await closing
})
