import t, { type Test } from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo, type RawConnection } from '../support/raw-connection.ts'
import { scrape } from '../support/scrape.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

const request = 'GET / HTTP/1.1\r\nHost: gateway.test\r\n'

async function setUp (t: Test, gatewaySettings: string) {
  const upstream = await startRawUpstream(t, (request, response) => {
    if (request.url === '/slow') response.write('begun')
    else response.end('done')
  })
  const { url, key, gateway } = await startFront(t, upstream.url, { sections: `gateway: { ${gatewaySettings} }` })
  const ask = async (connection: RawConnection, path = '/', header = '') => {
    connection.received = ''
    connection.write(`${request.replace('/', path)}x-api-key: ${key}\r\n${header}\r\n`)
    await connection.sees(path === '/slow' ? 'begun' : 'done')
  }
  const valueOf = async (name: string) => (await scrape(gateway.adminUrl)).get(name)
  const open = async () => await connectTo(t, url)
  /** Whether a connection is ended without a byte; one that isn't fails by its time-out. */
  const isRefused = async () => {
    try {
      const connection = await open()
      await connection.closed()
      return connection.received === ''
    } catch (err) {
      // Reset before this end has noticed that it is connected.
      return (err as NodeJS.ErrnoException).code === 'ECONNRESET'
    }
  }
  return { gateway, ask, valueOf, open, isRefused }
}

t.test('an address has so many connections, and not one more', async t => {
  const { gateway, ask, valueOf, open, isRefused } = await setUp(t, 'connectionsPerAddressMax: 3')
  const connections = [await open(), await open(), await open()]
  for (const connection of connections) await ask(connection)
  t.same([await isRefused(), await isRefused()], [true, true])
  t.equal(await valueOf('latchkey_connections'), 3)
  t.equal(await valueOf('latchkey_connections_refused_total{reason="address"}'), 2)
  t.equal(gateway.logs.filter(line => line.includes('connections are refused')).length, 1, 'not a line for each')
  for (const connection of connections) await ask(connection)

  connections[0]!.socket.destroy()
  await until(async () => await valueOf('latchkey_connections') === 2, 'the place is free')
  await ask(await open())
  t.equal(await isRefused(), true)
})

t.test('proxies that are trusted have no bound of their own', async t => {
  const { ask, valueOf, open } = await setUp(t, 'connectionsPerAddressMax: 1, trustProxy: [127.0.0.1]')
  for (let i = 0; i < 4; i++) await ask(await open(), '/', 'x-forwarded-for: 192.0.2.1\r\n')
  t.equal(await valueOf('latchkey_connections'), 4)
  t.equal(await valueOf('latchkey_connections_refused_total{reason="address"}'), 0)
})

t.test('at the bound of all, what is busy stays and the newest is refused', async t => {
  const { gateway, ask, valueOf, open, isRefused } = await setUp(t, 'connectionsMax: 3')
  const busy = [await open(), await open(), await open()]
  for (const connection of busy) await ask(connection, '/slow')
  t.equal(await isRefused(), true)
  t.equal(await valueOf('latchkey_connections_refused_total{reason="total"}'), 1)
  t.match(gateway.logs.find(line => line.includes('connections are refused')), '"connectionsMax":3')
  t.ok(busy.every(({ isClosed }) => !isClosed))
  busy[0]!.socket.destroy()
  await until(async () => await valueOf('latchkey_connections') === 2, 'the place is free')
  await ask(await open())
})

t.test('at the bound of all, whoever has been idle for longest makes room', async t => {
  const { ask, valueOf, open } = await setUp(t, 'connectionsMax: 4')
  const busy = await open()
  await ask(busy, '/slow')
  const idleForLongest = await open()
  await ask(idleForLongest)
  const idle = await open()
  await ask(idle)
  // The fourth fills the gateway; as soon as one is idle for a second, the next to come finds a place.
  await until(async () => {
    const connection = await open()
    await until(() => connection.isClosed || connection.socket.bytesRead > 0 || idleForLongest.isClosed, 'an answer', { timeoutMs: 50 }).catch(() => {})
    connection.socket.destroy()
    return idleForLongest.isClosed
  }, 'the connection that was idle for longest is closed')
  await ask(idle)
  t.notOk(busy.isClosed)
  await until(async () => await valueOf('latchkey_connections') === 2, 'the others have gone')
  t.equal(await valueOf('latchkey_connections_closed_for_room_total'), 1)
})

t.test('connections that fill the gateway all at once and then fall silent lock nobody out', async t => {
  const { ask, valueOf, open } = await setUp(t, 'connectionsMax: 4')
  const silent = await Promise.all([open(), open(), open(), open()])
  let newest: RawConnection | null = null
  await until(async () => {
    const connection = await open()
    connection.write('GET /-/health HTTP/1.1\r\nHost: gateway.test\r\n\r\n')
    await until(() => connection.isClosed || connection.received !== '', 'an answer, or an end')
    if (connection.received === '') return false
    newest = connection
    return true
  }, 'one that comes later is served', { timeoutMs: 10_000 })
  t.equal(silent.filter(({ isClosed }) => isClosed).length, 1)
  t.equal(await valueOf('latchkey_connections_closed_for_room_total'), 1)
  await ask(newest!)
})
