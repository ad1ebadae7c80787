import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'

const requests: { request: IncomingMessage, bytes: number }[] = []
let dials = 0
const upstream = await startRawUpstream(t, (request, response) => {
  const entry = { request, bytes: 0 }
  requests.push(entry)
  request.on('data', (chunk: Buffer) => { entry.bytes += chunk.length })
  request.on('end', () => response.end(`${entry.bytes} bytes`))
  request.on('error', () => {})
})
upstream.server.on('connection', () => { dials++ })
const { url, key, headers, gateway } = await startFront(t, upstream.url, {
  sections: 'gateway: { bodyBytesMax: 2KiB }',
  routes: ['id: narrow, path: /narrow, bodyBytesMax: 10B, auth: none', 'id: wide, path: /wide, bodyBytesMax: 1MiB, auth: none'].map(settings => settings.replace('10B', '1KiB')),
})

t.test('an announced length over the bound is refused before the upstream is dialled', async t => {
  const dialsBefore = dials
  for (const [path, bytes] of [['/', 2049], ['/narrow', 1025], ['/wide', 1024 * 1024 + 1]] as const) {
    const client = await connectTo(t, url)
    client.write(`POST ${path} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\nContent-Length: ${bytes}\r\n\r\n`)
    await client.closed()
    t.match(client.received, /^HTTP\/1\.1 413 [^]*"code":"body_too_large"/, `${path} ${bytes}`)
    t.match(client.received, /connection: close/i)
  }
  t.equal(dials, dialsBefore)
  t.equal(requests.length, 0)
})

t.test('a body of exactly the bound passes, on each route its own', async t => {
  for (const [path, bytes] of [['/', 2048], ['/narrow', 1024], ['/wide', 1024 * 1024]] as const) {
    t.match(await send(url + path, { method: 'POST', headers, body: 'x'.repeat(bytes) }), { status: 200, text: `${bytes} bytes` })
    const client = await connectTo(t, url)
    client.write(`POST ${path} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`)
    await client.sees(`${bytes} bytes`)
  }
})

t.test('a chunked body that grows over the bound is broken off, and never completes at the upstream', async t => {
  requests.length = 0
  const client = await connectTo(t, url)
  client.write(`POST /?grows HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  for (let i = 0; i < 4; i++) client.write(`200\r\n${'x'.repeat(512)}\r\n`)
  await until(() => requests[0]?.bytes === 2048, 'the upstream has all that is within the bound')
  client.write('1\r\nx\r\n0\r\n\r\n')
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 413 [^]*"code":"body_too_large"/)
  await until(() => requests[0]!.request.destroyed, 'the upstream\'s request has ended')
  t.equal(requests[0]!.request.complete, false)
  t.equal(requests[0]!.bytes, 2048, 'no byte over the bound was passed on')
  t.equal(requests.length, 1, 'it was not tried again')
  await until(() => gateway.logs.some(line => line.includes('"status":413') && line.includes('"method":"POST"') && line.includes('body too large')), 'the log says so')
})

t.test('a chunked body over the bound in its first bytes never completes either', async t => {
  requests.length = 0
  const client = await connectTo(t, url)
  client.write(`POST /narrow HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n${'x'.repeat(8192)}\r\n0\r\n\r\n`)
  await client.closed()
  t.match(client.received, /^HTTP\/1\.1 413 /)
  for (const { request } of requests) {
    await until(() => request.destroyed, 'the upstream\'s request has ended')
    t.equal(request.complete, false)
  }
})

t.test('the client is still told when it goes on sending', async t => {
  const client = await connectTo(t, url)
  client.write('POST /narrow HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n')
  const piece = `2000\r\n${'x'.repeat(8192)}\r\n`
  for (let i = 0; i < 100 && !client.isClosed; i++) client.write(piece)
  await client.sees('HTTP/1.1 413 ')
  await client.closed()
  t.match(client.received, /body_too_large/)
})
