import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { WebSocketServer } from 'ws'
import { frontConfig } from '../support/front.ts'
import { startGateway } from '../support/gateway.ts'
import { upgradeHead } from '../support/raw-websocket.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { echo } from '../support/websocket.ts'

const webSocketsMax = 1_000
const eventStreamsMax = 200
const keysMax = 5
const boundMs = 5_000

/** Masked with zeros, as a client's frames must be. */
const ping = Buffer.concat([Buffer.from([0x82, 0x80 | 100, 0, 0, 0, 0]), Buffer.alloc(100, 'x')])

interface Stream {
  readonly key: number
  readonly socket: Socket
  receivedBytes: number
  /** The last bytes, for what was said at the end. */
  tail: string
  closedAtMs: number | null
}

const upstream = await startRawUpstream(t, (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const timer = setInterval(() => response.write(`data: ${'x'.repeat(100)}\n\n`), 100)
  response.on('close', () => clearInterval(timer))
})
new WebSocketServer({ server: upstream.server }).on('connection', socket => {
  socket.on('error', () => {})
  echo(socket)
})
const gateway = await startGateway(t, {
  config: frontConfig(upstream.url, { sections: `gateway: { connectionsPerAddressMax: ${webSocketsMax + eventStreamsMax + 100} }\n` }),
})

// What waits to be collected is no leak, and tap passes no flags on.
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

t.test('1,000 WebSockets and 200 event streams of five keys: those of a revoked key end within a second, the others go on', async t => {
  const keys = await Promise.all(Array.from({ length: keysMax }, () => gateway.createKey({ scopes: ['all:use'] })))
  const before = await usage()
  const streams: Stream[] = []
  for (let i = 0; i < webSocketsMax + eventStreamsMax; i++) {
    const key = i % keysMax
    const credential = `x-api-key: ${keys[key]!.key}`
    const head = i < webSocketsMax
      ? upgradeHead('/', { more: [credential] })
      : ['GET /events HTTP/1.1', 'Host: gateway.test', credential, '', ''].join('\r\n')
    streams.push(await open(key, head))
  }
  const sending = setInterval(() => {
    for (const { socket, closedAtMs } of streams.slice(0, webSocketsMax)) if (closedAtMs === null) socket.write(ping)
  }, 500)
  t.teardown(() => {
    clearInterval(sending)
    for (const { socket } of streams) socket.destroy()
  })
  await until(() => streams.every(({ receivedBytes }) => receivedBytes > 1_000), 'data goes both ways on all', { timeoutMs: 60_000 })
  const during = await usage()
  t.equal(during.webSockets, webSocketsMax)
  t.equal(during.responses, eventStreamsMax)

  const [revoked, ...others] = keys
  const revokedAtMs = performance.now()
  await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [revoked!.apiKey.id])
  const doomed = streams.filter(({ key }) => key === 0)
  await until(() => doomed.every(({ closedAtMs }) => closedAtMs !== null), 'all of the revoked key are closed')
  const tookMs = doomed.map(({ closedAtMs }) => closedAtMs! - revokedAtMs).sort((one, other) => one - other)
  const longestMs = tookMs.at(-1)!
  t.comment(`${doomed.length} closed after p50 ${tookMs[Math.floor(tookMs.length / 2)]!.toFixed(0)} ms, the last after ${longestMs.toFixed(0)} ms`)
  t.ok(longestMs < boundMs)
  t.ok(doomed.slice(0, webSocketsMax / keysMax).every(({ tail }) => tail.endsWith('\x88\x0d\x03\xf0key revoked')), 'each WebSocket with a Close frame, behind a whole frame')
  t.ok(doomed.slice(webSocketsMax / keysMax).every(({ tail }) => !tail.endsWith('0\r\n\r\n')), 'no event stream looks complete')

  const kept = streams.filter(({ key }) => key !== 0)
  const counts = kept.map(({ receivedBytes }) => receivedBytes)
  await until(() => kept.every(({ receivedBytes }, i) => receivedBytes > counts[i]!), 'all others still carry data')
  t.ok(kept.every(({ closedAtMs }) => closedAtMs === null))

  await gateway.database.pool.query('update api_keys set is_active = false where id = any($1)', [others.map(({ apiKey }) => apiKey.id)])
  await until(() => streams.every(({ closedAtMs }) => closedAtMs !== null), 'the others end with their keys')
  clearInterval(sending)
  await until(async () => {
    const now = await usage()
    return now.webSockets === 0 && now.responses === 0 && now.connections <= before.connections
  }, 'no connection is left')
  const rows = await countRows()
  t.equal(rows.webSockets, webSocketsMax, 'a row for each WebSocket')
  t.equal(rows.responses, eventStreamsMax, 'and for each event stream')
  // What the second round leaves behind is what every round would.
  collectGarbage()
  const after = await usage()
  t.comment(`resident memory: ${mebibytes(before.rssBytes)} MiB before, ${mebibytes(during.rssBytes)} with all open, ${mebibytes(after.rssBytes)} after (clients and upstream included)`)
})

t.test('memory comes back: the fifth round needs no more than the second', async t => {
  const { key } = await gateway.createKey({ scopes: ['all:use'] })
  const heaps: number[] = []
  for (let round = 0; round < 5; round++) {
    const streams = await Promise.all(Array.from({ length: 500 }, () => open(0, upgradeHead('/', { more: [`x-api-key: ${key}`] }))))
    await until(() => streams.every(({ tail }) => tail.includes('\r\n\r\n')), 'all are open')
    for (const { socket } of streams) socket.destroy()
    await until(async () => (await usage()).webSockets === 0, 'none is left')
    collectGarbage()
    heaps.push(process.memoryUsage().heapUsed)
  }
  t.comment(`heap after each round: ${heaps.map(mebibytes).join(', ')} MiB`)
  t.ok(heaps[4]! < heaps[1]! + 40 * 1024 * 1024)
})

async function open (key: number, head: string): Promise<Stream> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  const stream: Stream = { key, socket, receivedBytes: 0, tail: '', closedAtMs: null }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    stream.receivedBytes += text.length
    stream.tail = (stream.tail + text).slice(-300)
  })
  socket.on('error', () => {})
  const end = (): void => { stream.closedAtMs ??= performance.now() }
  socket.on('end', end).on('close', end)
  await once(socket, 'connect')
  socket.write(head)
  return stream
}

async function usage () {
  const series = await scrape(gateway.adminUrl)
  const connections = await new Promise<number>((resolve, reject) => {
    upstream.server.getConnections((err, count) => { if (err === null) resolve(count); else reject(err) })
  })
  return {
    webSockets: series.get('latchkey_open_streams{kind="websocket"}'),
    responses: series.get('latchkey_open_streams{kind="response"}'),
    connections,
    rssBytes: process.memoryUsage.rss(),
  }
}

async function countRows () {
  let webSockets = 0
  let responses = 0
  await until(async () => {
    const { rows } = await gateway.database.pool.query<{ status_code: number, count: number }>('select status_code, count(*)::int as count from api_key_usage group by 1')
    webSockets = rows.find(row => row.status_code === 101)?.count ?? 0
    responses = rows.reduce((sum, row) => row.status_code === 101 ? sum : sum + row.count, 0)
    return webSockets + responses >= webSocketsMax + eventStreamsMax
  }, 'every row is written')
  return { webSockets, responses }
}

function mebibytes (bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}
