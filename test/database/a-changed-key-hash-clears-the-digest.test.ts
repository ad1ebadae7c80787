import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { addKeys, addUser } from './rows.ts'

const withDigest = "update api_keys set key_lookup = 'old', pepper_id = 'p1'"
const cleared = { key_lookup: null, pepper_id: null }

t.test('a changed key_hash clears the digest', async (t) => {
  const { pool } = await createDatabase(t)
  await addKeys(pool, await addUser(pool))
  const digestAfter = async (update: string) => {
    await pool.query(withDigest)
    await pool.query(update)
    return (await pool.query('select key_lookup, pepper_id from api_keys')).rows[0]
  }

  t.strictSame(await digestAfter("update api_keys set key_hash = 'a'"), cleared)
  t.strictSame(await digestAfter("update api_keys set key_hash = 'b', pepper_id = 'p2'"), cleared, 'a pepper alone is no digest')
  t.strictSame(await digestAfter("begin; set local session_replication_role = replica; update api_keys set key_hash = 'c'; commit"), cleared)
  t.strictSame(
    await digestAfter("update api_keys set key_hash = 'd', key_lookup = 'new', pepper_id = 'p2'"),
    { key_lookup: Buffer.from('new'), pepper_id: 'p2' },
    "the new secret's own digest stays"
  )
  t.strictSame(
    await digestAfter("update api_keys set key_hash = key_hash, name = 'other'"),
    { key_lookup: Buffer.from('old'), pepper_id: 'p1' },
    'an unchanged key_hash keeps it'
  )
})

t.test('no two keys have the same digest', async (t) => {
  const { pool } = await createDatabase(t)
  await addKeys(pool, await addUser(pool), 2)
  await t.rejects(pool.query(withDigest), { code: '23505' })
})
