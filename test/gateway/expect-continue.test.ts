import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('a body is asked for only after the key was checked', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url, { route: 'bodyBytesMax: 1KiB' })
  const head = (...lines: string[]) => ['POST /upload HTTP/1.1', 'Host: gateway', 'Expect: 100-continue', ...lines, '', ''].join('\r\n')

  const admitted = await connectTo(t, url)
  admitted.write(head(`x-api-key: ${key}`, 'Content-Length: 5'))
  await admitted.sees('HTTP/1.1 100 Continue\r\n\r\n')
  t.equal(admitted.received, 'HTTP/1.1 100 Continue\r\n\r\n')
  admitted.write('hello')
  await admitted.sees('{"ok":true}')
  t.match(admitted.received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  t.match(upstream.seen, [{ body: 'hello', headers: { expect: undefined } }])

  for (const [lines, status] of [
    [['x-api-key: sk_live_wrong', 'Content-Length: 5'], 401],
    [['Content-Length: 5'], 401],
    [[`x-api-key: ${key}`, 'Content-Length: 1025'], 413],
    [[`x-api-key: ${key}`, 'Content-Length: 70000'], 413],
  ] as const) {
    const refused = await connectTo(t, url)
    refused.write(head(...lines))
    await refused.sees('"requestId"')
    t.match(refused.received, new RegExp(`^HTTP/1\\.1 ${status} `))
    t.notMatch(refused.received, /100 Continue/)
  }
  t.equal(upstream.seen.length, 1)
})

t.test('an expectation without a body changes nothing', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url)
  const connection = await connectTo(t, url)
  connection.write(`GET / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nx-api-key: ${key}\r\nExpect: 100-continue\r\n\r\n`)
  await connection.closed()
  t.match(connection.received, /HTTP\/1\.1 200 OK/)
})
