import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'

type Exchange = { request: IncomingMessage, response: ServerResponse }
const exchanges: Exchange[] = []
const upstream = await startRawUpstream(t, (request, response) => { exchanges.push({ request, response }) })
const { url, key } = await startFront(t, upstream.url, { route: 'bodyBytesMax: 1GiB' })
const begin = (method: string, ...lines: string[]) => [`${method} / HTTP/1.1`, 'Host: gateway', `x-api-key: ${key}`, ...lines, '', ''].join('\r\n')

async function nextExchange (): Promise<Exchange> {
  await until(() => exchanges.length > 0, 'the upstream got the request')
  return exchanges.pop()!
}

t.test('server-sent events reach the client one by one', async t => {
  const client = await connectTo(t, url)
  client.write(begin('GET', 'Accept: text/event-stream'))
  const { response } = await nextExchange()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  await client.sees('text/event-stream')
  for (const event of ['one', 'two', 'three']) {
    response.write(`data: ${event}\n\n`)
    await client.sees(`data: ${event}\n\n`)
  }
  response.end()
  await client.sees('0\r\n\r\n')
  t.pass('the head before the first event, and each event before the next')
})

for (const framing of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
  t.test(`an upload reaches the upstream piece by piece: ${framing}`, async t => {
    const chunk = (text: string) => framing.startsWith('Content') ? text : `${text.length}\r\n${text}\r\n`
    const client = await connectTo(t, url)
    client.write(begin('POST', framing))
    client.write(chunk('first'))
    const { request, response } = await nextExchange()
    let received = ''
    request.setEncoding('utf8').on('data', text => { received += text })
    await until(() => received === 'first', 'the first piece arrived before the second was sent')

    response.write('answer')
    await client.sees('answer')
    t.pass('and the answer before the upload had ended')
    client.write(chunk('last!'))
    await until(() => received === 'firstlast!', 'the second piece arrived')
    if (!framing.startsWith('Content')) client.write('0\r\n\r\n')
    if (!request.complete) await once(request, 'end')
    response.end()
    await client.sees('0\r\n\r\n')
  })
}

// What a connection may hold in the buffers of two sockets and four streams, here and in the kernel.
const bufferedBytesMax = 32 * 1024 * 1024
const bodyBytes = 256 * 1024 * 1024
const piece = Buffer.alloc(64 * 1024, 'x')

t.test('a client that does not read stops the upstream', async t => {
  const client = await connectTo(t, url)
  client.socket.pause()
  client.write(begin('GET', 'Connection: close'))
  const { response } = await nextExchange()
  let sentBytes = 0
  const pump = () => {
    while (sentBytes < bodyBytes) {
      sentBytes += piece.length
      if (!response.write(piece)) return
    }
    response.end()
  }
  response.on('drain', pump)
  pump()
  await untilSteady(() => sentBytes)
  t.ok(sentBytes < bufferedBytesMax, 'what is under way is bounded', { sentBytes })

  let readBytes = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (text: string) => { readBytes += text.length })
  client.socket.resume()
  await until(() => client.isClosed, 'the rest arrives once the client reads', { timeoutMs: 60_000 })
  t.ok(readBytes > bodyBytes)
})

t.test('an upstream that does not read stops the client', async t => {
  const client = await connectTo(t, url)
  client.write(begin('POST', `Content-Length: ${bodyBytes}`))
  let sentBytes = 0
  const pump = () => {
    while (sentBytes < bodyBytes) {
      sentBytes += piece.length
      if (!client.socket.write(piece)) return
    }
  }
  client.socket.on('drain', pump)
  pump()
  const { request, response } = await nextExchange()
  await untilSteady(() => sentBytes)
  t.ok(sentBytes < bufferedBytesMax, 'what is under way is bounded', { sentBytes })

  let readBytes = 0
  request.on('data', (chunk: Buffer) => { readBytes += chunk.length })
  await once(request, 'end')
  t.equal(readBytes, bodyBytes, 'the rest arrives once the upstream reads')
  response.end('received')
  await client.sees('received')
})

/** Waits until a number has stopped growing: equal at 50 looks in a row. */
async function untilSteady (value: () => number): Promise<void> {
  let last = -1
  let equal = 0
  await until(() => {
    equal = value() === last && last > 0 ? equal + 1 : 0
    last = value()
    return equal >= 50
  }, 'the sender is stopped', { timeoutMs: 60_000 })
}
