import bcrypt from 'bcrypt'
import { pino } from 'pino'
import t from 'tap'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { until } from '../support/until.ts'
import { insertKey, newKey, openKeys, openShared, randomPeppers } from './support.ts'

const shared = await openShared(t)
t.beforeEach(() => shared.database.pool.query('delete from public.api_keys'))

const digestOf = async (keys: Awaited<ReturnType<typeof openKeys>>, id: number) =>
  (await keys.sql('select key_lookup, pepper_id from public.api_keys where id = $1', [id])).rows[0] as { key_lookup: Buffer | null, pepper_id: string | null }

t.test('a key with a digest is found by one query and no bcrypt', async (t) => {
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers(2)) })
  const { key } = await keys.manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  t.equal(keys.queries(), 1)
  t.equal(keys.bcrypt.compares, 0)
})

t.test('a key without a digest costs one bcrypt, once and for all', async (t) => {
  const peppers = new Peppers(randomPeppers())
  const keys = await openKeys(t, shared, { peppers })
  const { key, id } = await insertKey(keys.database)
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  t.equal(keys.bcrypt.compares, 1)
  await until(async () => (await digestOf(keys, id)).key_lookup !== null, 'the digest is written')
  const again = await openKeys(t, shared, { peppers })
  t.equal((await again.verifier.verify(key)).status, 'valid')
  t.equal(again.bcrypt.compares, 0)
})

t.test('the digest is written under the first pepper, also for keys of an older one', async (t) => {
  const [older, newer] = randomPeppers(2) as [Buffer, Buffer]
  const before = await openKeys(t, shared, { peppers: new Peppers([older]) })
  const { key, apiKey } = await before.manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  const peppers = new Peppers([newer, older])
  const after = await openKeys(t, shared, { peppers })
  t.equal((await after.verifier.verify(key)).status, 'valid')
  t.equal(after.bcrypt.compares, 0)
  await until(async () => (await digestOf(after, apiKey.id)).pepper_id === peppers.ids[0], 'the newer pepper’s digest is written')
})

t.test('a digest is never written beside another secret’s hash', async (t) => {
  const keys = await openKeys(t, shared)
  const { id } = await insertKey(keys.database)
  t.equal(await keys.store.writeDigest({ id, grace: null }, 'what was proven meanwhile replaced', Buffer.from('x'), 'p'), false)
  t.equal((await digestOf(keys, id)).key_lookup, null)
})

t.test('a database that takes no digests costs no key', async (t) => {
  const url = `${shared.database.url}?options=-c%20default_transaction_read_only%3Don`
  const keys = await openKeys(t, shared, { url, peppers: new Peppers(randomPeppers()) })
  const { key } = await insertKey(keys.database)
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  await until(() => keys.logs.some((line) => line.includes('digest')), 'it is logged')
  t.equal(keys.verifier.stats().isStoreUp, true)
  t.notOk(keys.logs.join('').includes(key))
})

t.test('two keys with one prefix are told apart', async (t) => {
  const keys = await openKeys(t, shared)
  const [one, two] = [newKey(), newKey()]
  const alike = { columns: { key_prefix: 'sk_live_' } }
  const first = await insertKey(keys.database, { key: one, ...alike })
  const second = await insertKey(keys.database, { key: two, ...alike })
  t.equal((await keys.verifier.verify(one)).key?.id, first.id)
  t.equal((await keys.verifier.verify(two)).key?.id, second.id)
  t.equal((await keys.verifier.verify(newKey())).status, 'unknown')
})

t.test('prefixes of other lengths, with a display’s dots', async (t) => {
  const keys = await openKeys(t, shared)
  for (const cut of [(key: string) => key.slice(0, 1), (key: string) => key.slice(0, 20), (key: string) => `${key.slice(0, 12)}...`, (key: string) => `${key.slice(0, 19)}.`]) {
    const key = newKey()
    const { id } = await insertKey(keys.database, { key, columns: { key_prefix: cut(key) } })
    t.equal((await keys.verifier.verify(key)).key?.id, id, cut(key))
    await keys.sql('delete from public.api_keys')
  }
  const key = newKey()
  await insertKey(keys.database, { key, columns: { key_prefix: '...' } })
  t.equal((await keys.verifier.verify(key)).status, 'unknown', 'dots alone are no prefix')
})

t.test('the longest prefix is tried first', async (t) => {
  const keys = await openKeys(t, shared)
  const key = newKey()
  for (let i = 0; i < 5; i++) await insertKey(keys.database, { columns: { key_prefix: key.slice(0, 8) } })
  const { id } = await insertKey(keys.database, { key, columns: { key_prefix: key.slice(0, 12) } })
  t.equal((await keys.verifier.verify(key)).key?.id, id)
  t.equal(keys.bcrypt.compares, 1)
})

t.test('of many keys that share a prefix 64 are tried at a time, and each gets its turn', async (t) => {
  const keys = await openKeys(t, shared)
  const alike = { columns: { key_prefix: 'sk_live_' } }
  for (let i = 0; i < 64; i++) await insertKey(keys.database, alike)
  t.equal((await keys.verifier.verify(newKey())).status, 'unknown', 'all of 64 can be tried')
  for (let i = 0; i < 70; i++) await insertKey(keys.database, alike)
  const { key } = await insertKey(keys.database, alike)
  const unknown = newKey()
  keys.bcrypt.compares = 0
  for (const asked of [key, unknown]) {
    t.equal((await keys.verifier.verify(asked)).status, 'busy')
    t.equal((await keys.verifier.verify(asked)).status, 'busy')
    t.equal((await keys.verifier.verify(asked)).status, asked === key ? 'valid' : 'unknown')
  }
  t.equal(keys.bcrypt.compares, 2 * 135, 'none is tried twice')
  t.equal(keys.logs.filter((line) => line.includes('share a prefix')).length, 1, 'once a minute')
})

t.test('more than a thousand keys of one prefix are never all tried', async (t) => {
  const keys = await openKeys(t, shared)
  const { id } = await insertKey(keys.database, { columns: { key_prefix: 'p' } })
  await keys.sql(`
    insert into api_keys (user_id, key_hash, key_prefix, name)
    select user_id, key_hash, 'sk_l', 'x' from api_keys, generate_series(1, 1001) where id = $1`, [id])
  t.equal((await keys.verifier.verify(newKey())).status, 'busy')
  t.match(keys.logs.join(''), /1000 in all/)
})

t.test('$2y$ is read as $2b$, and malformed hashes match nothing', async (t) => {
  const keys = await openKeys(t, shared)
  const key = newKey()
  const hash = await bcrypt.hash(key, 4)
  for (const malformed of ['', 'x', key, hash.slice(0, 59)]) await insertKey(keys.database, { key, hash: malformed })
  t.equal((await keys.verifier.verify(key)).status, 'unknown')
  await insertKey(keys.database, { key, hash: hash.replace('$2b$', '$2y$') })
  keys.verifier.markAllStale()
  t.equal((await keys.verifier.verify(key)).status, 'valid')
})

t.test('a full bcrypt queue is busy, never unknown', async (t) => {
  const bcryptPool = new BcryptPool({ queueMax: 1, logger: pino({ level: 'silent' }) })
  t.teardown(() => bcryptPool.close())
  const keys = await openKeys(t, { database: shared.database, bcryptPool })
  const inserted = await Promise.all(Array.from({ length: 5 }, () => insertKey(keys.database)))
  await bcryptPool.hash('x', 4)
  process.kill(bcryptPool.pid ?? 0, 'SIGSTOP')
  const verifications = inserted.map(({ key }) => keys.verifier.verify(key))
  await until(() => bcryptPool.stats().waiting === 1, 'the queue is full')
  process.kill(bcryptPool.pid ?? 0, 'SIGCONT')
  const statuses = (await Promise.all(verifications)).map(({ status }) => status)
  t.ok(statuses.every((status) => status === 'valid' || status === 'busy'), statuses.join(' '))
})
