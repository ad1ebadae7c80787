import pino from 'pino'
import t from 'tap'
import { Listener } from '../../src/database/listener.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { channel, notify, startListener } from './listener-fixture.ts'

t.test('delivers what is notified, and nothing else', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const { listener, payloads } = startListener(t, database.url, 1_000)
  t.equal(listener.isConfirmed(), false, 'unconfirmed before it is connected')
  await until(() => listener.isConfirmed(), 'confirmed')

  await database.pool.query('select pg_notify($1, $2)', ['another_channel', 'x'])
  await notify(database, 'one')
  await notify(database, 'two')
  await until(() => payloads.length >= 2, 'two notifications')
  t.strictSame(payloads, ['one', 'two'])
  t.match(listener.stats(), { connects: 1, notifications: 2 })
})

t.test('a failing handler is survived', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const payloads: string[] = []
  const listener = new Listener({
    connectionString: database.url,
    channel,
    logger: pino({ level: 'silent' }),
    onConnected: () => { throw new Error('on purpose') },
    onNotification: (payload) => {
      payloads.push(payload)
      throw new Error('on purpose')
    },
  })
  t.teardown(async () => await listener.close())
  listener.start()
  await until(() => listener.isConfirmed(), 'confirmed')
  await notify(database, 'one')
  await notify(database, 'two')
  await until(() => payloads.length === 2, 'both delivered')
})

t.test('closes at any moment, and lets go of its connection', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  proxy.stall()
  const unconnected = startListener(t, proxy.through(database.url))
  await until(() => proxy.connections > 0, 'dialled')
  await unconnected.listener.close()

  const connected = startListener(t, database.url)
  await until(() => connected.listener.isConfirmed(), 'confirmed')
  await connected.listener.close()
  t.equal(connected.listener.isConfirmed(), false)
  await until(async () => {
    const { rowCount } = await database.pool.query("select from pg_stat_activity where application_name = 'latchkey (listener)' and datname = current_database()")
    return rowCount === 0
  }, 'no session left')
})
