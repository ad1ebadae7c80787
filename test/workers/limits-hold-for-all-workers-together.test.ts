import { connect, type Socket } from 'node:net'
import t from 'tap'
import { scrape } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { send } from '../support/http.ts'
import { prepareWorkers } from './workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url, { gateway: 'connectionsMax: 8, connectionsPerAddressMax: 6, failureBudget: { failures: 10, per: 1h }' })
const gateway = await gateways.start(t)
const { hostname, port } = new URL(gateway.url)

async function opened (localAddress: string): Promise<Socket> {
  const socket = connect({ host: hostname, port: Number(port), localAddress })
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve).once('error', resolve))
  return socket
}

/** Whether it is still there after its request. */
async function isServed (socket: Socket): Promise<boolean> {
  return await new Promise(resolve => {
    socket.once('data', () => resolve(true)).once('close', () => resolve(false))
    if (socket.closed) return resolve(false)
    socket.write('GET /-/live HTTP/1.1\r\nhost: a\r\n\r\n')
  })
}

t.test('connections of one address, and of all', async t => {
  const first = await Promise.all(Array.from({ length: 6 }, async () => await opened('127.0.0.1')))
  t.same(await Promise.all(first.map(isServed)), Array.from({ length: 6 }, () => true))
  t.notOk(await isServed(await opened('127.0.0.1')), 'a seventh of the address is refused')
  const others = await Promise.all(Array.from({ length: 2 }, async () => await opened('127.0.0.2')))
  t.same(await Promise.all(others.map(isServed)), [true, true])
  t.notOk(await isServed(await opened('127.0.0.3')), 'a ninth of all is refused')
  const series = await scrape(gateway.adminUrl)
  t.equal(series.get('latchkey_connections'), 8)
  t.equal(series.get('latchkey_connections_refused_total{reason="address"}'), 1)
  t.equal(series.get('latchkey_connections_refused_total{reason="total"}'), 1)
  for (const socket of [...first, ...others]) socket.destroy()
  await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_connections') === 0, 'their places are free again')
})

t.test('the failure budget is one', async t => {
  const statuses: number[] = []
  // One after the other, over new connections, and so by both workers.
  for (let i = 0; i < 14; i++) {
    statuses.push((await send(`${gateway.url}/`, { headers: { 'x-api-key': `no key ${i}`, connection: 'close' } })).status)
    await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_failing_addresses') === 1, 'the primary has heard of it')
  }
  const failures = statuses.filter(status => status === 401).length
  t.ok(failures >= 10 && failures <= 12, `${failures} of 14 counted before the budget was spent`, { statuses })
  t.equal(statuses.at(-1), 429)
  t.equal((await send(`${gateway.url}/`, { headers: { ...gateways.headers, connection: 'close' } })).status, 200, 'a good key is served all the same')
})
