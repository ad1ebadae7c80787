import t from 'tap'
import { until } from '../support/until.ts'
import { isReachable, openElsewhere, query, serverPid, temporaryDataDir } from './embedded-fixture.ts'

// Each test starts several processes and makes a database, which takes a while where many do so at once.
t.setTimeout(300_000)

t.test('the server ends when its owner is killed, and its data is whole', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const owner = await openElsewhere(t, dataDir, 'gateway')
  const pid = await serverPid(owner.url)
  await query(owner.url, 'create table kept as select 42 as answer')
  await owner.kill()
  await until(async () => !isAlive(pid), 'the server has ended')
  t.notOk(await isReachable(owner.url))

  const next = await openElsewhere(t, dataDir, 'gateway')
  t.equal(next.isOwner, true)
  t.strictSame(await query(next.url, 'select answer from kept'), [{ answer: 42 }])
})

t.test('a killed owner\'s successor needs no pause', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const owner = await openElsewhere(t, dataDir, 'gateway')
  await query(owner.url, 'create table kept as select 42 as answer')
  await owner.kill()
  const next = await openElsewhere(t, dataDir, 'gateway')
  t.equal(next.error, null)
  t.strictSame(await query(next.url, 'select answer from kept'), [{ answer: 42 }])
})

t.test('a server that ends by itself is started again at the same place', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const owner = await openElsewhere(t, dataDir, 'gateway')
  await query(owner.url, 'create table kept as select 42 as answer')
  const pid = await serverPid(owner.url)
  process.kill(pid, 'SIGQUIT')
  await until(() => !isAlive(pid), 'the server has ended')
  await until(async () => await isReachable(owner.url), 'it runs again', { timeoutMs: 30_000 })
  t.strictSame(await query(owner.url, 'select answer from kept'), [{ answer: 42 }])
  t.not(await serverPid(owner.url), pid)
  await owner.close()
  t.notOk(await isReachable(owner.url))
})

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
