import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { holdAnswers } from '../keys/held-answers.ts'
import { insertKey, newKey, openKeys, openShared, randomPeppers } from '../keys/support.ts'
import { until } from '../support/until.ts'

const shared = await openShared(t)
const { database } = shared

t.test('the key is revoked between the query and its answer', async (t) => {
  const answers = await holdAnswers(t, database.url)
  const keys = await openKeys(t, shared, { url: answers.url, peppers: new Peppers(randomPeppers()), listens: true })
  const { key, apiKey } = await keys.manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  await keys.verifier.probe()

  answers.isHolding = true
  const load = keys.verifier.verify(key)
  await until(() => answers.heldAnswers > 0, 'Postgres has answered that the key is valid')
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [apiKey.id])
  await keys.caughtUp()
  const joined = keys.verifier.verify(key)
  answers.release()

  t.equal((await load).status, 'revoked')
  t.equal((await joined).status, 'revoked')
  t.match(keys.verifier.verify(key), { status: 'revoked' }, 'nor is the old answer in the cache')
})

t.test('the key is revoked while bcrypt proves it', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  await keys.bcrypt.hash('x', 4)
  const { key, id } = await insertKey(keys.database)
  const pid = keys.bcrypt.pid ?? 0

  process.kill(pid, 'SIGSTOP')
  const load = keys.verifier.verify(key)
  await until(() => keys.bcrypt.stats().running === 1, 'the row was read')
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  await keys.caughtUp()
  process.kill(pid, 'SIGCONT')

  t.equal((await load).status, 'revoked')
  t.match(keys.verifier.verify(key), { status: 'revoked' })
  t.equal(keys.bcrypt.compares, 1, 'the secret need not be proven twice')
})

t.test('the key is revoked while a recheck is under way', async (t) => {
  const answers = await holdAnswers(t, database.url)
  const keys = await openKeys(t, shared, { url: answers.url, listens: true })
  const { key, id } = await insertKey(database)
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  keys.clock.offsetMs = 60_000

  answers.isHolding = true
  const recheck = keys.verifier.verify(key)
  await until(() => answers.heldAnswers > 0, 'Postgres has answered that the key is valid')
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  await keys.caughtUp()
  answers.release()

  t.equal((await recheck).status, 'revoked')
  t.match(keys.verifier.verify(key), { status: 'revoked' })
})

t.test('the notification itself was lost with its connection', async (t) => {
  const answers = await holdAnswers(t, database.url)
  const keys = await openKeys(t, shared, { url: answers.url })
  const { key, id } = await insertKey(database)
  await keys.verifier.probe()

  answers.isHolding = true
  const load = keys.verifier.verify(key)
  await until(() => answers.heldAnswers > 0, 'Postgres has answered with the key’s row')
  await keys.sql('update public.api_keys set revoked_at = now() where id = $1', [id])
  keys.verifier.markAllStale()
  answers.release()

  await load
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
})

t.test('nor does it keep a new key unknown', async (t) => {
  const answers = await holdAnswers(t, database.url)
  const keys = await openKeys(t, shared, { url: answers.url, listens: true })
  await keys.verifier.probe()
  const key = newKey()

  answers.isHolding = true
  const load = keys.verifier.verify(key)
  await until(() => answers.heldAnswers > 0, 'Postgres has answered that there is no such key')
  await insertKey(database, { key })
  await keys.caughtUp()
  answers.release()

  t.equal((await load).status, 'valid')
  t.match(keys.verifier.verify(key), { status: 'valid' })
})
