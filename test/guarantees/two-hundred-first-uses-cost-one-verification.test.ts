import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { insertKey, openKeys, openShared, randomPeppers } from '../keys/support.ts'

const shared = await openShared(t)

t.test('by bcrypt: one query and one compare', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database)
  const verifications = await Promise.all(Array.from({ length: 200 }, () => keys.verifier.verify(key)))
  t.same(new Set(verifications.map(({ status }) => status)), new Set(['valid']))
  t.equal(keys.queries(), 1)
  t.equal(keys.bcrypt.compares, 1)
  t.match(keys.verifier.stats(), { misses: 1, coalesced: 199 })
})

t.test('by digest: one query and no bcrypt', async (t) => {
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()) })
  const { key } = await keys.manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
  const verifications = await Promise.all(Array.from({ length: 200 }, () => keys.verifier.verify(key)))
  t.same(new Set(verifications.map(({ status }) => status)), new Set(['valid']))
  t.equal(keys.queries(), 1)
  t.equal(keys.bcrypt.compares, 0)
})

t.test('of a wrong secret: one query and one compare', async (t) => {
  const keys = await openKeys(t, shared)
  const { key } = await insertKey(keys.database, { hash: `$2b$04$${'a'.repeat(53)}` })
  const verifications = await Promise.all(Array.from({ length: 200 }, () => keys.verifier.verify(key)))
  t.same(new Set(verifications.map(({ status }) => status)), new Set(['unknown']))
  t.equal(keys.queries(), 1)
  t.equal(keys.bcrypt.compares, 1)
})
