import t from 'tap'
import { isReachable, openElsewhere, serverPid, startElsewhere, temporaryDataDir } from './embedded-fixture.ts'

// Each test starts several processes and makes a database, which takes a while where many do so at once.
t.setTimeout(300_000)

t.test('of processes that start at the same time, one owns the database', async (t) => {
  const dataDir = await temporaryDataDir(t)
  // A killed owner leaves its socket, which all of the following find at the same time.
  const killed = await openElsewhere(t, dataDir, 'command')
  await killed.kill()

  const starting = Array.from({ length: 4 }, () => startElsewhere(t, dataDir, 'command'))
  const opened = await Promise.all(starting.map(async ({ opened }) => await opened))
  t.strictSame(opened.map(({ error }) => error), [null, null, null, null])
  t.equal(opened.filter(({ isOwner }) => isOwner).length, 1)
  t.equal(new Set(opened.map(({ url }) => url)).size, 1)
  t.equal(new Set(await Promise.all(opened.map(async ({ url }) => await serverPid(url)))).size, 1)
  await Promise.all(opened.map(async (process) => await process.close()))
  t.notOk(await isReachable(opened[0]?.url ?? ''))
})

t.test('of two gateways that start at the same time, one is refused', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const starting = [startElsewhere(t, dataDir, 'gateway'), startElsewhere(t, dataDir, 'gateway')]
  const opened = await Promise.all(starting.map(async ({ opened }) => await opened))
  t.equal(opened.filter(({ isOwner }) => isOwner).length, 1)
  t.match(opened.find(({ isOwner }) => !isOwner)?.error, /already used by another latchkey/)
})
