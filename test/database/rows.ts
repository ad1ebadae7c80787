import { randomUUID } from 'node:crypto'
import type pg from 'pg'

/** Adds a user to auth.users and returns its id. */
export async function addUser (pool: pg.Pool): Promise<string> {
  const id = randomUUID()
  await pool.query('insert into auth.users (id) values ($1)', [id])
  return id
}

/** Adds `count` keys with made-up hashes by one statement and returns their ids in order. */
export async function addKeys (pool: pg.Pool, userId: string, count = 1): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>(`
    insert into api_keys (user_id, key_hash, key_prefix, name)
    select $1, '$2b$04$' || n, 'sk_live_' || n, 'key ' || n from generate_series(1, $2::int) as n
    returning id`, [userId, count])
  return rows.map(({ id }) => id).sort((a, b) => a - b)
}
