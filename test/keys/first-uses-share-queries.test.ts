import t from 'tap'
import { keyPrefixOf } from '../../src/keys/format.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { newKey, openKeys, openShared, randomPeppers } from './support.ts'

const shared = await openShared(t)
const { pool } = shared.database

/** Rows whose secret nobody knows: found by their digests alone, under the pepper of this place in the list. */
async function insertDigests (keys: readonly string[], peppers: Peppers, place: number): Promise<void> {
  await pool.query(`
    with owner as (insert into auth.users (id) values (gen_random_uuid()) returning id)
    insert into api_keys (user_id, key_hash, key_prefix, name, scopes, key_lookup, pepper_id)
    select owner.id, '$2b$10$' || rpad(md5(key.digest::text), 53, 'x'), key.prefix, key.prefix, '{inventory:read}', key.digest, $3
    from owner, unnest($1::text[], $2::bytea[]) as key (prefix, digest)`,
  [keys.map(keyPrefixOf), keys.map(key => peppers.lookupOf(key)[place]!.digest), peppers.ids[place]])
}

t.test('first uses that come together share queries, and each gets its own answer', async t => {
  const peppers = new Peppers(randomPeppers(2))
  const { verifier, queries } = await openKeys(t, shared, { peppers, config: { cache: { entriesMax: 1000, negativeEntriesMax: 1000, ttlMs: 0, negativeTtlMs: 10_000 } } })
  const keys = Array.from({ length: 600 }, () => newKey())
  await insertDigests(keys.slice(0, 400), peppers, 0)
  await insertDigests(keys.slice(400, 590), peppers, 1)
  const verdicts = await Promise.all(keys.map(key => verifier.verify(key)))
  t.same(verdicts.slice(0, 590).map(({ key }) => key?.prefix), keys.slice(0, 590).map(keyPrefixOf))
  t.same(verdicts.slice(590).map(({ status }) => status), Array(10).fill('unknown'))
  // 10 are also looked for by prefix, and those of the 190 with the earlier pepper may have their digest written anew.
  t.ok(queries() < 190 + 60, `${queries()} queries`)

  const before = queries()
  const again = await Promise.all(keys.slice(0, 400).map(key => verifier.verify(key)))
  t.ok(again.every(({ status }) => status === 'valid'))
  t.ok(queries() - before < 20, `${queries() - before} queries for 400 rechecks`)
})

t.test('a key that is deleted while others are rechecked with it is unknown, they aren\'t', async t => {
  const peppers = new Peppers(randomPeppers())
  const { verifier, sql } = await openKeys(t, shared, { peppers, config: { cache: { entriesMax: 1000, negativeEntriesMax: 1000, ttlMs: 0, negativeTtlMs: 10_000 } } })
  const keys = Array.from({ length: 20 }, () => newKey())
  await insertDigests(keys, peppers, 0)
  await Promise.all(keys.map(key => verifier.verify(key)))
  await sql('delete from api_keys where key_lookup = $1', [peppers.lookupOf(keys[10]!)[0]!.digest])
  const statuses = await Promise.all(keys.map(async key => (await verifier.verify(key)).status))
  t.same(statuses, keys.map((_, i) => i === 10 ? 'unknown' : 'valid'))
})

t.test('a burst of first uses goes on one at a time, so that others get their turn', async t => {
  const peppers = new Peppers(randomPeppers())
  const { verifier } = await openKeys(t, shared, { peppers })
  const keys = Array.from({ length: 300 }, () => newKey())
  await insertDigests(keys, peppers, 0)
  let done = 0
  let mostInATurn = 0
  const all = Promise.all(keys.map(async key => {
    const { status } = await verifier.verify(key)
    done++
    return status
  }))
  while (done < keys.length) {
    const before = done
    await new Promise(resolve => setImmediate(resolve))
    mostInATurn = Math.max(mostInATurn, done - before)
  }
  t.same(await all, keys.map(() => 'valid'))
  t.ok(mostInATurn <= 2, `${mostInATurn} in a turn`)
})
