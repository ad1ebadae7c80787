import bcrypt from 'bcrypt'
import t from 'tap'
import { UsageError } from '../../src/errors.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManagerError, type NewKey } from '../../src/keys/manager.ts'
import { failureOf, openKeys, openShared, randomPeppers } from './support.ts'

const shared = await openShared(t)
const uuid = '7d9f3f0a-6c52-4a3e-9a53-0f6d2c1b7e11'

t.test('makes a key that is stored as bcrypt and, with a pepper, as a digest', async (t) => {
  for (const peppers of [new Peppers([]), new Peppers(randomPeppers(2))]) {
    const keys = await openKeys(t, shared, { peppers })
    const expiresAt = new Date(Date.now() + 86_400_000)
    const { key, apiKey } = await keys.manager.create({
      user: 'ada@example.com', name: ' Reporting ', scopes: ['inventory:read', 'tickets:*', 'inventory:read'], description: 'weekly', expiresAt,
    })
    t.match(apiKey, {
      prefix: key.slice(0, 12),
      name: 'Reporting',
      description: 'weekly',
      scopes: ['inventory:read', 'tickets:*'],
      environment: 'live',
      status: 'active',
      expiresAt,
      lastUsedAt: null,
      revokedAt: null,
    })
    const { rows } = await keys.sql('select * from public.api_keys where id = $1', [apiKey.id])
    t.match(rows[0].key_hash, /^\$2b\$04\$/)
    t.equal(await bcrypt.compare(key, rows[0].key_hash), true)
    t.same(rows[0].key_lookup, peppers.lookupOf(key)[0]?.digest ?? null)
    t.equal(rows[0].pepper_id, peppers.ids[0] ?? null)
    t.notOk(JSON.stringify({ apiKey, rows }).includes(key))
    t.notOk(JSON.stringify(apiKey).includes(rows[0].key_hash))
    t.match(await keys.verifier.verify(key), { status: 'valid', key: { id: apiKey.id, scopes: ['inventory:read', 'tickets:*'] } })
  }
})

t.test('adds an unknown user to our own auth.users, and finds a known one', async (t) => {
  const { manager, sql } = await openKeys(t, shared)
  const first = await manager.create({ user: 'grace@example.com', name: 'one', scopes: [] })
  const second = await manager.create({ user: 'Grace@Example.com', name: 'two', scopes: [] })
  t.equal(second.apiKey.userId, first.apiKey.userId)
  const byId = await manager.create({ user: uuid.toUpperCase(), name: 'three', scopes: [] })
  t.equal(byId.apiKey.userId, uuid)
  t.equal((await sql('select from auth.users where id = $1', [uuid])).rowCount, 1)
})

t.test('several commands may make keys for one new user at once', async (t) => {
  const { manager } = await openKeys(t, shared)
  const made = await Promise.all(Array.from({ length: 5 }, (_, i) => manager.create({ user: 'new@example.com', name: `key ${i}`, scopes: [] })))
  t.equal(new Set(made.map(({ apiKey }) => apiKey.userId)).size, 1)
})

t.test('takes any environment that is admitted, and no other', async (t) => {
  const { manager } = await openKeys(t, shared)
  const { key, apiKey } = await manager.create({ user: uuid, name: 'x', scopes: [], environment: 'test' })
  t.match(key, /^sk_test_/)
  t.equal(apiKey.environment, 'test')
  await t.rejects(manager.create({ user: uuid, name: 'x', scopes: [], environment: 'staging' }), { message: /live, test/ })
})

t.test('says what is wrong before anything is made', async (t) => {
  const { manager, sql } = await openKeys(t, shared)
  const count = async () => (await sql('select count(*) from public.api_keys')).rows[0].count
  const before = await count()
  const good = { user: uuid, name: 'x', scopes: ['a:b'] }
  const bad: NewKey[] = [
    { ...good, user: 'nobody' },
    { ...good, user: '' },
    { ...good, user: `${uuid}0` },
    { ...good, user: 'a b@example.com' },
    { ...good, name: '' },
    { ...good, name: '  ' },
    { ...good, name: 'x'.repeat(256) },
    { ...good, name: 'a\u0000b' },
    { ...good, name: 'two\nlines' },
    { ...good, description: 'a\u0000b' },
    { ...good, scopes: ['Inventory:Read'] },
    { ...good, scopes: [''] },
    { ...good, scopes: ['a:*:b'] },
    { ...good, expiresAt: new Date(Date.now() - 1000) },
    { ...good, expiresAt: new Date(NaN) },
    { ...good, environment: '' },
  ]
  for (const fields of bad) {
    const err = await failureOf(manager.create(fields))
    t.type(err, KeyManagerError, JSON.stringify(fields))
    t.type(err, UsageError)
  }
  t.equal(await count(), before)
  t.equal((await manager.create({ ...good, name: '✓'.repeat(255) })).apiKey.name.length, 255)
})
