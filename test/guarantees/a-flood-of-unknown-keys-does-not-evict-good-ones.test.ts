import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { insertKey, newKey, openKeys, openShared, randomPeppers } from '../keys/support.ts'

const shared = await openShared(t)

t.test('good keys stay cached, and both caches keep to their bounds', async (t) => {
  const cache = { entriesMax: 10, ttlMs: 60_000, negativeEntriesMax: 20, negativeTtlMs: 10_000 }
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()), config: { cache } })
  const good: string[] = []
  for (let i = 0; i < 10; i++) good.push((await insertKey(keys.database)).key)
  for (const key of good) t.equal((await keys.verifier.verify(key)).status, 'valid')

  for (let round = 0; round < 10; round++) {
    const flood = await Promise.all(Array.from({ length: 100 }, () => keys.verifier.verify(newKey())))
    t.same(new Set(flood.map(({ status }) => status)), new Set(['unknown']))
  }

  const queries = keys.queries()
  for (const key of good) t.match(keys.verifier.verify(key), { status: 'valid' })
  t.equal(keys.queries(), queries, 'answered from the cache')
  t.equal(keys.verifier.stats().entries, 10)
})

t.test('a flood at once is answered busy beyond a bound, while good keys are rechecked', async (t) => {
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()) })
  const { key } = await insertKey(keys.database)
  t.equal((await keys.verifier.verify(key)).status, 'valid')
  keys.verifier.markAllStale()

  const flood = Array.from({ length: 1500 }, () => keys.verifier.verify(newKey()))
  const good = keys.verifier.verify(key)
  const statuses = (await Promise.all(flood)).map(({ status }) => status)
  t.equal(statuses.filter((status) => status === 'unknown').length, 1000)
  t.equal(statuses.filter((status) => status === 'busy').length, 500)
  t.equal((await good).status, 'valid')
})
