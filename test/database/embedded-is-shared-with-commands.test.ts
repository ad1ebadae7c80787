import t from 'tap'
import { until } from '../support/until.ts'
import { isReachable, openElsewhere, query, startElsewhere, temporaryDataDir } from './embedded-fixture.ts'

// Each test starts several processes and makes a database, which takes a while where many do so at once.
t.setTimeout(300_000)

t.test('a command finds the gateway\'s database, and doesn\'t stop it', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const gateway = await openElsewhere(t, dataDir, 'gateway')
  const command = await openElsewhere(t, dataDir, 'command')
  t.equal(command.isOwner, false)
  t.equal(command.url, gateway.url)
  t.equal(command.pepper, gateway.pepper)
  await command.close()
  t.ok(await isReachable(gateway.url))

  const another = await openElsewhere(t, dataDir, 'gateway')
  t.match(another.error, /^UsageError: .* is already used by another latchkey/)
  t.ok(await isReachable(gateway.url))
  await gateway.close()
  t.notOk(await isReachable(gateway.url))
})

t.test('a command starts the database itself, and waits for others before it stops it', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const owner = await openElsewhere(t, dataDir, 'command')
  t.equal(owner.isOwner, true)
  const guest = await openElsewhere(t, dataDir, 'command')
  t.equal(guest.isOwner, false)

  const closed = owner.close()
  // A third one isn't let in any more: it waits for the first, and then owns the database itself.
  const next = startElsewhere(t, dataDir, 'command')
  t.strictSame(await query(guest.url, 'select 1 as one'), [{ one: 1 }])
  await guest.close()
  await closed
  const third = await next.opened
  t.equal(third.error, null)
  t.ok(await isReachable(third.url))
  await third.close()
  await until(async () => !await isReachable(third.url), 'stopped by its last user')
})

t.test('a gateway waits for a command, and then owns the database', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const command = await openElsewhere(t, dataDir, 'command')
  const starting = startElsewhere(t, dataDir, 'gateway')
  t.ok(await isReachable(command.url))
  await command.close()
  const gateway = await starting.opened
  t.equal(gateway.error, null)
  t.equal(gateway.isOwner, true)
  t.ok(await isReachable(gateway.url))
})
