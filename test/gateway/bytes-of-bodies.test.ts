import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo, type RawConnection } from '../support/raw-connection.ts'
import { frame, startRawAnswerer, switchedHead, upgradeHead } from '../support/raw-websocket.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'

// More than any buffer that holds an answer or a body back until all of it is there.
const largeBytes = 300_000
const upstream = await startRawUpstream(t, (request, response) => {
  request.on('error', () => {}).resume()
  response.on('error', () => {})
  const part = (bytes: number) => 'x'.repeat(bytes)
  const { pathname, searchParams } = new URL(request.url!, 'http://upstream')
  const bytes = Number(searchParams.get('bytes'))
  switch (pathname) {
    case '/length': response.writeHead(200, { 'content-length': bytes }).end(part(bytes)); break
    case '/chunked': response.write(part(bytes)); response.write('ü'); setImmediate(() => response.end('end')); break
    case '/close': response.shouldKeepAlive = false; response.useChunkedEncodingByDefault = false; response.end(part(bytes)); break
    case '/empty': response.writeHead(204).end(); break
    case '/unchanged': response.writeHead(304, { 'content-length': 1_000 }).end(); break
    case '/begins': response.writeHead(200, { 'content-length': bytes + 1 }).write(part(bytes)); break
    case '/dies': response.writeHead(200, { 'content-length': bytes + 1 }).write(part(bytes), () => setTimeout(() => request.socket.destroy(), 50)); break
    case '/breaks': request.socket.destroy(); break
    case '/hangs': break
    case '/early': response.writeHead(403, { 'content-length': 2 }).end('no'); break
    case '/uploaded': request.on('end', () => response.end('ok'))
  }
})
const sections = 'usage: { flushEvery: 20ms }'
const { gateway, url, key } = await startFront(t, upstream.url, {
  sections, route: 'bodyBytesMax: 1MiB', upstream: 'retries: 0', routes: ["id: other, path: /other, scopes: ['other:use']"],
})
let count = 0

interface Sent {
  readonly connection: RawConnection
  readonly id: string
}

/** With `Connection: close`, a request is node:http's; without, read as a plain one where the engine can. */
const ways = { 'a connection that goes on': [], 'one that ends': ['Connection: close'] }

async function begin (request: string, lines: readonly string[] = [], body = '', connection?: RawConnection): Promise<Sent> {
  const id = `r-${count++}`
  connection ??= await connectTo(t, url)
  connection.received = ''
  connection.write(`${request} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\nx-request-id: ${id}\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n${body}`)
  return { connection, id }
}

/** [of the request's body, of the response's], once the row is there. */
async function bytesOf ({ id }: { readonly id: string }): Promise<[number, number]> {
  let bytes: [number, number] | null = null
  await until(async () => {
    const { rows: [row] } = await gateway.database.pool.query<{ request_bytes: string, response_bytes: string }>('select request_bytes, response_bytes from api_key_usage where request_id = $1', [id])
    if (row !== undefined) bytes = [Number(row.request_bytes), Number(row.response_bytes)]
    return bytes !== null
  }, `the row of ${id}`)
  return bytes!
}

for (const [way, lines] of Object.entries(ways)) {
  t.test(`on ${way}: answers`, async t => {
    const answers: [string, number][] = [
      ['GET /length?bytes=0', 0],
      ['GET /length?bytes=1', 1],
      ['GET /length?bytes=16384', 16_384],
      [`GET /length?bytes=${largeBytes}`, largeBytes],
      ['GET /chunked?bytes=10', 15],
      [`GET /chunked?bytes=${largeBytes}`, largeBytes + 5],
      [`GET /close?bytes=${largeBytes}`, largeBytes],
      ['HEAD /length?bytes=1000', 0],
      ['HEAD /chunked?bytes=1000', 0],
      ['GET /empty', 0],
      ['GET /unchanged', 0],
      ['POST /length?bytes=7', 7],
    ]
    for (const [request, bytes] of answers) t.same(await bytesOf(await begin(request, lines)), [0, bytes], request)
  })

  t.test(`on ${way}: uploads`, async t => {
    for (const bytes of [1, 5_000, largeBytes]) {
      const body = 'u'.repeat(bytes)
      t.same(await bytesOf(await begin('POST /uploaded', [...lines, `Content-Length: ${bytes}`], body)), [bytes, 2], `${bytes} bytes with a length`)
      const chunks = `${bytes.toString(16)};extension=1\r\n${body}\r\n3\r\nend\r\n0\r\nx-trailer: 1\r\n\r\n`
      t.same(await bytesOf(await begin('POST /uploaded', [...lines, 'Transfer-Encoding: chunked'], chunks)), [bytes + 3, 2], `${bytes} bytes and 3 in chunks`)
      const later = await begin('POST /uploaded', [...lines, `Content-Length: ${bytes}`])
      later.connection.write(body)
      t.same(await bytesOf(later), [bytes, 2], `${bytes} bytes behind the head`)
    }
  })

  t.test(`on ${way}: refusals`, async t => {
    const problemOf = ({ connection }: Sent) => connection.received.slice(connection.received.indexOf('\r\n\r\n') + 4).length
    const refused: [string, string[], string, number][] = [
      ['GET /other', [], '', 0],
      ['POST /other', ['Content-Length: 5'], 'hello', 5],
      ['POST /other', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', 5],
      ['POST /large', ['Content-Length: 2000000'], '', 0],
      ['GET /breaks', [], '', 0],
    ]
    for (const [request, more, body, bytes] of refused) {
      const sent = await begin(request, [...lines, ...more], body)
      const [requestBytes, responseBytes] = await bytesOf(sent)
      await sent.connection.sees('}')
      t.equal(requestBytes, bytes, request)
      t.equal(responseBytes, problemOf(sent), `${request}: its problem`)
      t.ok(responseBytes > 100)
    }
    t.same(await bytesOf(await begin('HEAD /other', lines)), [0, 0], 'the one to HEAD has none')
  })

  t.test(`on ${way}: what stops half-way`, async t => {
    const leaving = await begin(`GET /begins?bytes=${largeBytes}`, lines)
    await until(() => leaving.connection.received.length > largeBytes, 'all of the beginning has come')
    leaving.connection.socket.destroy()
    t.same(await bytesOf(leaving), [0, largeBytes], 'a client that leaves in the answer')

    const unanswered = await begin('GET /hangs', lines)
    unanswered.connection.socket.destroy()
    t.same(await bytesOf(unanswered), [0, 0], 'one that leaves before it')

    for (const bytes of [400, largeBytes]) t.same(await bytesOf(await begin(`GET /dies?bytes=${bytes}`, lines)), [0, bytes], `an upstream that dies after ${bytes}`)

    for (const [framing, body] of [['Content-Length: 100', 'u'.repeat(40)], ['Transfer-Encoding: chunked', `28\r\n${'u'.repeat(40)}\r\n`]] as const) {
      const arrived = new Promise(resolve => upstream.server.once('request', resolve))
      const uploading = await begin('POST /uploaded', [...lines, framing], body)
      await arrived
      uploading.connection.socket.destroy()
      t.same(await bytesOf(uploading), [40, 0], `an upload that stops: ${framing}`)
    }

    const early = await begin('POST /early', [...lines, 'Content-Length: 100'], 'u'.repeat(40))
    t.same(await bytesOf(early), [40, 2], 'an answer that does not wait for it')
  })
}

t.test('a body that grows over its bound', async t => {
  const [requestBytes, responseBytes] = await bytesOf(await begin('POST /uploaded', ['Transfer-Encoding: chunked'], `${(1_048_577).toString(16)}\r\n${'u'.repeat(1_048_577)}\r\n0\r\n\r\n`))
  t.ok(requestBytes >= 1_048_577 - 65_536 && requestBytes <= 1_048_577, 'is read until then, or hardly further', { requestBytes })
  t.ok(responseBytes > 100)
})

t.test('a body that is asked for: the interim answer is none of it', async t => {
  const asked = await begin('POST /uploaded', ['Expect: 100-continue', 'Content-Length: 5'])
  await asked.connection.sees('100 Continue')
  asked.connection.write('hello')
  t.same(await bytesOf(asked), [5, 2])
  const [requestBytes] = await bytesOf(await begin('POST /other', ['Expect: 100-continue', 'Content-Length: 5']))
  t.equal(requestBytes, 0, 'of a refused one, nothing was read')
})

t.test('each of a connection has its own', async t => {
  const { connection, id } = await begin('GET /length?bytes=10')
  const sent = [{ id, bytes: [0, 10] }]
  await connection.sees('xxxxxxxxxx')
  const second = await begin('POST /uploaded', ['Content-Length: 3'], 'abc', connection)
  await connection.sees('ok')
  sent.push({ id: second.id, bytes: [3, 2] })
  // From the second of these on, node:http reads.
  for (const bytes of [1, 20, 300]) sent.push({ id: (await begin(`POST /length?bytes=${bytes}`, ['Content-Length: 4'], 'abcd', connection)).id, bytes: [4, bytes] })
  for (const { id, bytes } of sent) t.same(await bytesOf({ id }), bytes)
})

t.test('a client that takes nothing is sent no more than fits on the way', async t => {
  const bytes = 64 * 1024 * 1024
  const idle = await begin(`GET /length?bytes=${bytes}`)
  idle.connection.socket.pause()
  await until(() => idle.connection.socket.bytesRead > 0, 'it has begun')
  idle.connection.socket.destroy()
  const [, responseBytes] = await bytesOf(idle)
  t.ok(responseBytes < bytes, 'what stayed at the upstream was not sent', { responseBytes })
})

t.test('a WebSocket: all that passes behind the handshake, each way', async t => {
  const server = await startRawAnswerer(t, (head, socket) => {
    if (head.startsWith('GET /refused')) socket.end(`HTTP/1.1 426 Upgrade Required\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`)
    else socket.write(switchedHead(head) + frame(1, 'early'), 'latin1')
  })
  const { gateway, url, key } = await startFront(t, server.url, { sections })
  const open = async (path: string, behind = '') => {
    const client = await connectTo(t, url)
    client.write(upgradeHead(path, { more: [`x-api-key: ${key}`] }) + behind)
    return client
  }
  const stored = async (endpoint: string) => {
    let bytes: unknown[] = []
    await until(async () => {
      bytes = (await gateway.database.pool.query<{ sent: number, got: number }>('select request_bytes::int as got, response_bytes::int as sent from api_key_usage where endpoint = $1', [endpoint])).rows
      return bytes.length > 0
    }, endpoint)
    return bytes
  }

  const client = await open('/talks', 'before the answer')
  await client.sees('early')
  client.write(' and after it')
  const theirs = server.connections.at(-1)!
  await until(() => theirs.received.endsWith('after it'), 'it arrives')
  theirs.socket.write('x'.repeat(largeBytes))
  await until(() => client.received.length > largeBytes, 'the answer does, too')
  client.socket.resetAndDestroy()
  t.same(await stored('/talks'), [{ got: 'before the answer and after it'.length, sent: frame(1, 'early').length + largeBytes }])

  const refused = await open('/refused')
  await refused.closed()
  t.same(await stored('/refused'), [{ got: 0, sent: 100_000 }], 'one that the upstream refuses is answered as any other')
})
