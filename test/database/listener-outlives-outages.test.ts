import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { notify, startListener } from './listener-fixture.ts'

t.test('listens again after its session was ended', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const listening = startListener(t, database.url)
  await until(() => listening.listener.isConfirmed(), 'confirmed')

  await database.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'latchkey (listener)' and datname = current_database()")
  await until(() => listening.connected >= 2, 'connected again')
  await until(() => listening.listener.isConfirmed(), 'confirmed again')
  await notify(database, 'after')
  await until(() => listening.payloads.includes('after'), 'notified')
})

t.test('unconfirmed while the network is cut, and back after it', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const listening = startListener(t, proxy.through(database.url))
  await until(() => listening.listener.isConfirmed(), 'confirmed')

  await proxy.cut()
  await until(() => !listening.listener.isConfirmed(), 'unconfirmed')
  await notify(database, 'lost')
  await proxy.resume()
  await until(() => listening.connected >= 2, 'connected again')
  await notify(database, 'after')
  await until(() => listening.payloads.includes('after'), 'notified')
  t.strictSame(listening.payloads, ['after'], 'what was notified meanwhile is lost, as onConnected says')
})

t.test('notices a connection that has fallen silent', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const listening = startListener(t, proxy.through(database.url))
  await until(() => listening.listener.isConfirmed(), 'confirmed')

  proxy.stall()
  await until(() => !listening.listener.isConfirmed(), 'unconfirmed')
  await until(() => proxy.connections > 1, 'it dials again')
  await proxy.resume()
  await until(() => listening.connected >= 2, 'connected again', { timeoutMs: 20_000 })
  await until(() => listening.listener.isConfirmed(), 'confirmed again')
})

t.test('starts while there is no database yet', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  await proxy.cut()
  const { listener } = startListener(t, proxy.through(database.url))
  t.equal(listener.isConfirmed(), false)
  await proxy.resume()
  await until(() => listener.isConfirmed(), 'confirmed')
})
