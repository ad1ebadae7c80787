import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import t from 'tap'
import { AddressRanges } from '../../src/config/address.ts'
import { Connections } from '../../src/gateway/connections.ts'
import { Drain } from '../../src/gateway/drain.ts'
import { OpenRequests } from '../../src/gateway/open-requests.ts'
import { KeyWatch } from '../../src/keys/watch.ts'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startRawUpstream } from '../support/upstream.ts'

t.test('a shutdown waits for answers under way, and not for connections without a request', async t => {
  let answer: (() => void) | null = null
  const upstream = await startRawUpstream(t, (request, response) => {
    if (request.url === '/quick') return response.end('quick')
    response.write('begun')
    answer = () => response.end('done')
  })
  const { url, key, gateway } = await startFront(t, upstream.url)
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`
  const unused = await connectTo(t, url)
  const idle = await connectTo(t, url)
  idle.write(ask('/quick'))
  await idle.sees('quick')
  const late = await connectTo(t, url)
  late.write(ask('/quick'))
  await late.sees('quick')
  const busy = await connectTo(t, url)
  busy.write(ask('/long'))
  await busy.sees('begun')

  let isClosed = false
  const closing = gateway.close().then(() => { isClosed = true })
  late.received = ''
  late.write(ask('/quick'))
  await late.closed()
  t.match(late.received, /^HTTP\/1\.1 200 [^]*connection: close[^]*quick/i, 'a request within the grace is answered, as the last of its connection')
  await Promise.all([idle.closed(), unused.closed()])
  t.notOk(isClosed, 'the answer under way is waited for')
  await t.rejects(connectTo(t, url), { code: 'ECONNREFUSED' }, 'nobody new is let in')

  answer!()
  await busy.sees('done')
  await busy.closed()
  await closing
  t.ok(busy.received.endsWith('0\r\n\r\n'), 'it ends as it should')
  t.notOk(gateway.logs.some(line => line.includes('broken off')))
})

t.test('the last answer, broken off at the end, has closed when the drain is over: its usage is written after that', async t => {
  let isClosed = false
  const server = createServer((_request, response) => {
    response.once('close', () => { isClosed = true }).write('begun')
  })
  const watch = new KeyWatch({
    find: async () => new Map(),
    confirmationOf: () => null,
    isAdmitted: () => true,
    isStoreAvoided: () => false,
    isListening: () => true,
    ttlMs: 60_000,
    serveCachedForMs: 60_000,
    nowMs: Date.now,
    logger: pino({ level: 'silent' }),
  })
  const connections = new Connections({ keepAliveTimeoutMs: 60_000, headersTimeoutMs: 15_000, connectionsMax: 10, connectionsPerAddressMax: 10, trusted: new AddressRanges([]), logger: pino({ level: 'silent' }) })
  const drain = new Drain(server, connections, new OpenRequests(watch, { record () {} }))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = await connectTo(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.sees('begun')
  t.equal(await drain.run({ idleGraceMs: 20, eventStreamsMs: 40, deadlineMs: 60 }), 1)
  t.ok(isClosed)
})
