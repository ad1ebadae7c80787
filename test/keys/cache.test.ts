import t from 'tap'
import { CacheEntry } from '../../src/keys/cache-entry.ts'
import { KeyCache } from '../../src/keys/cache.ts'

const entryOf = (id: number) => new CacheEntry({
  keyHash: `hash ${id}`,
  pepperId: null,
  record: { id, secretId: '', userId: '', prefix: '', name: '', scopes: [], environment: null, isActive: true, revokedAtMs: null, expiresAtMs: null, grace: null },
}, 0, 0)

t.test('evicted entries leave the index by id', async (t) => {
  const cache = new KeyCache({ entriesMax: 3, negativeEntriesMax: 3 })
  for (let id = 1; id <= 10; id++) cache.set(`name ${id}`, entryOf(id))
  t.equal(cache.size, 3)
  t.equal(cache.indexedNames, 3)
  cache.set('name 10', entryOf(10))
  t.equal(cache.indexedNames, 3, 'overwriting with an equal entry')
  cache.set('name 10', entryOf(11))
  cache.deleteId(10)
  t.ok(cache.get('name 10'), 'it is another key’s by now')
  cache.deleteId(11)
  t.equal(cache.get('name 10'), undefined)
  t.equal(cache.indexedNames, 2)
})

t.test('every entry of an id goes with it', async (t) => {
  const cache = new KeyCache({ entriesMax: 10, negativeEntriesMax: 10 })
  cache.set('current', entryOf(1))
  cache.set('earlier', entryOf(1))
  cache.set('other', entryOf(2))
  cache.deleteId(1)
  t.equal(cache.size, 1)
  t.equal(cache.indexedNames, 1)
  cache.deleteId(2)
  t.equal(cache.indexedNames, 0)
})

t.test('unknown keys evict only their like', async (t) => {
  const cache = new KeyCache({ entriesMax: 2, negativeEntriesMax: 2 })
  cache.set('good', entryOf(1))
  for (let i = 0; i < 100; i++) cache.setUnknown(`junk ${i}`, i)
  t.ok(cache.get('good'))
  t.equal(cache.unknownSinceMs('junk 99'), 99)
  t.equal(cache.unknownSinceMs('junk 1'), undefined)
})

t.test('a key is proven or unknown, never both', async (t) => {
  const cache = new KeyCache({ entriesMax: 2, negativeEntriesMax: 2 })
  cache.setUnknown('name', 1)
  cache.set('name', entryOf(1))
  t.equal(cache.unknownSinceMs('name'), undefined)
  cache.setUnknown('name', 2)
  t.equal(cache.get('name'), undefined)
  t.equal(cache.indexedNames, 0)
})
