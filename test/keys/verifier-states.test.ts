import t from 'tap'
import { insertKey, newKey, openKeys, openShared } from './support.ts'

const shared = await openShared(t)

const past = new Date(Date.now() - 60_000)

t.test('the state of a key is told once its secret is proven', async (t) => {
  const keys = await openKeys(t, shared)
  const states: [string, Record<string, unknown>, string][] = [
    ['a key in force', {}, 'valid'],
    ['of an admitted environment', { environment: 'test' }, 'valid'],
    ['that never expires', { expires_at: 'infinity' }, 'valid'],
    ['switched off', { is_active: false }, 'disabled'],
    ['revoked', { revoked_at: past }, 'revoked'],
    ['revoked and switched off', { revoked_at: past, is_active: false }, 'revoked'],
    ['revoked and expired', { revoked_at: past, expires_at: past }, 'revoked'],
    ['switched off and expired', { is_active: false, expires_at: past }, 'disabled'],
    ['expired', { expires_at: past }, 'expired'],
    ['expired for ever', { expires_at: '-infinity' }, 'expired'],
  ]
  for (const [name, columns, status] of states) {
    const { key, id } = await insertKey(keys.database, { columns })
    for (const time of ['first', 'second']) {
      const verification = await keys.verifier.verify(key)
      t.equal(verification.status, status, `${name}, ${time} time`)
      t.equal(verification.key?.id, id)
    }
  }
})

t.test('NULLs of an adopted table mean disabled, no scopes, no expiry', async (t) => {
  const keys = await openKeys(t, shared)
  await keys.sql('alter table public.api_keys alter is_active drop not null, alter scopes drop not null, alter name drop not null')
  const disabled = await insertKey(keys.database, { columns: { is_active: null } })
  t.equal((await keys.verifier.verify(disabled.key)).status, 'disabled')
  const bare = await insertKey(keys.database, { columns: { scopes: null, expires_at: null, name: null } })
  const { status, key } = await keys.verifier.verify(bare.key)
  t.equal(status, 'valid')
  t.same(key?.scopes, [])
  t.equal(key?.name, '')
})

t.test('ids of an adopted table may be bigint', async (t) => {
  const keys = await openKeys(t, shared, { listens: true })
  await keys.sql('alter table public.api_keys alter id type bigint')
  const { key, id } = await insertKey(keys.database)
  t.equal((await keys.verifier.verify(key)).key?.id, Number(id))
  t.equal((await keys.manager.revoke(Number(id))).id, Number(id))
  await keys.caughtUp()
  t.equal((await keys.verifier.verify(key)).status, 'revoked')
  await keys.sql('alter table public.api_keys alter id type integer')
})

t.test('scopes are passed on as stored, without NULLs', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database, { columns: { scopes: ['inventory:*', null, 'Not a scope'] } })
  t.same((await keys.verifier.verify(key)).key?.scopes, ['inventory:*', 'Not a scope'])
})

t.test('an environment that is not admitted makes a key unknown', async (t) => {
  const keys = await openKeys(t, shared, { config: { environments: ['live'] } })
  const byText = await insertKey(keys.database, { key: newKey('test') })
  t.equal((await keys.verifier.verify(byText.key)).status, 'unknown')
  t.equal(keys.queries(), 0, 'the text alone shows it')
  const byRow = await insertKey(keys.database, { columns: { environment: 'test' } })
  t.same(await keys.verifier.verify(byRow.key), { status: 'unknown', key: null })
})

t.test('junk is malformed without a query', async (t) => {
  const keys = await openKeys(t, shared)
  for (const text of ['', 'x', 'x'.repeat(73), 'sk_live_', `${newKey().slice(0, -1)}!`, 'é'.repeat(40), '\u0000']) {
    t.same(keys.verifier.verify(text), { status: 'malformed', key: null })
  }
  t.equal(keys.queries(), 0)
})

t.test('with the checksum optional, keys of other systems are verified like ours', async (t) => {
  const keys = await openKeys(t, shared, { config: { checksum: 'optional', environments: ['live'] } })
  for (const key of ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', '3f2c6a1e-9f65-4a1c-8d2e-7b1b6c1f0a9d', `${newKey().slice(0, 40)}000000`, 'k'.repeat(72)]) {
    await insertKey(keys.database, { key })
    t.equal((await keys.verifier.verify(key)).status, 'valid', key)
    t.equal((await keys.verifier.verify(key.slice(0, -1) + '~')).status, 'unknown')
  }
  t.equal((await keys.verifier.verify('k'.repeat(73))).status, 'malformed')
  t.equal((await keys.verifier.verify('sk_test_4eC39HqLyjWDarjtT1zdp7dc')).status, 'unknown')
})

t.test('a cached key expires on the dot', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database, { columns: { expires_at: new Date(keys.clock.startMs + 30_000) } })
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  const queries = keys.queries()
  keys.clock.offsetMs = 29_999
  t.match(keys.verifier.verify(key), { status: 'valid' })
  keys.clock.offsetMs = 30_000
  t.match(keys.verifier.verify(key), { status: 'expired', key: { name: 'test' } })
  t.equal(keys.queries(), queries, 'without asking again')
})
