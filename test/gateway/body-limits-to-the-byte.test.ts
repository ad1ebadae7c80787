import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'

let answered = 0
const bodies: string[] = []
const upstream = await startRawUpstream(t, (request, response) => {
  request.on('error', () => {})
  if (request.url === '/early') {
    answered++
    response.write('the beginning')
    request.resume()
    return
  }
  let body = ''
  request.on('data', (chunk: Buffer) => { body += chunk.toString() })
  request.on('end', () => {
    bodies.push(body)
    response.end(`${body.length} bytes`)
  })
})
const { url, key } = await startFront(t, upstream.url, { route: 'bodyBytesMax: 10B', routes: ['id: one, path: /one, bodyBytesMax: 1B, auth: none'] })
const head = (line: string, ...lines: string[]) => [`${line} HTTP/1.1`, 'Host: gateway', `x-api-key: ${key}`, 'Connection: close', ...lines, '', ''].join('\r\n')

t.test('to the byte, whatever the framing and the method', async t => {
  for (const [name, bytes, status] of [
    ['exactly the bound', head('POST /x', 'Content-Length: 10') + 'x'.repeat(10), 200],
    ['one more', head('POST /x', 'Content-Length: 11') + 'x'.repeat(11), 413],
    ['chunked, exactly the bound', `${head('POST /x', 'Transfer-Encoding: chunked')}5\r\nxxxxx\r\n5\r\nxxxxx\r\n0\r\n\r\n`, 200],
    ['chunked, one more', `${head('POST /x', 'Transfer-Encoding: chunked')}5\r\nxxxxx\r\n6\r\nxxxxxx\r\n0\r\n\r\n`, 413],
    ['chunk extensions and trailers do not count', `${head('POST /x', 'Transfer-Encoding: chunked')}a;a=${'b'.repeat(100)}\r\nxxxxxxxxxx\r\n0\r\nX-T: ${'c'.repeat(100)}\r\n\r\n`, 200],
    ['a bound of one byte', `${head('POST /one', 'Content-Length: 1')}x`, 200],
    ['a bound of one byte, none sent', head('POST /one', 'Content-Length: 0'), 200],
    ['a bound of one byte, and another', `${head('POST /one', 'Content-Length: 2')}xx`, 413],
    ['GET with a body', `${head('GET /x', 'Content-Length: 10')}${'x'.repeat(10)}`, 200],
    ['GET with too long a body', `${head('GET /x', 'Content-Length: 11')}${'x'.repeat(11)}`, 413],
    ['GET with too long a chunked body', `${head('GET /x', 'Transfer-Encoding: chunked')}b\r\n${'x'.repeat(11)}\r\n0\r\n\r\n`, 413],
  ] as const) {
    const client = await connectTo(t, url)
    client.write(bytes)
    await client.closed()
    t.match(client.received, new RegExp(`^HTTP/1\\.1 ${status} `), name)
  }
  t.ok(bodies.every(({ length }) => length <= 10), 'no upstream has run a longer one', { bodies })
})

t.test('an answer in flight never looks complete once the body has outgrown the bound', async t => {
  const client = await connectTo(t, url)
  client.write(`${head('POST /early', 'Transfer-Encoding: chunked')}5\r\nxxxxx\r\n`)
  await client.sees('the beginning')
  client.write('6\r\nxxxxxx\r\n0\r\n\r\n')
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 200 /)
  t.notOk(client.received.endsWith('0\r\n\r\n'))
  await until(() => answered === 1, 'it was asked once')
})
