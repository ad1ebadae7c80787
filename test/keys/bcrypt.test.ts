import bcrypt from 'bcrypt'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { BcryptPool } from '../../src/keys/bcrypt.ts'

const open = (t: Test, queueMax = 100) => {
  const pool = new BcryptPool({ queueMax, logger: pino({ level: 'silent' }) })
  t.teardown(() => pool.close())
  return pool
}

t.test('hashes and compares', async (t) => {
  const pool = open(t)
  t.equal(pool.pid, null, 'no process before the first use')
  const hash = await pool.hash('sk_live_x', 4)
  t.match(hash, /^\$2b\$04\$/)
  t.equal(await bcrypt.compare('sk_live_x', hash), true)
  t.equal(await pool.compare('sk_live_x', hash), true)
  t.equal(await pool.compare('sk_live_y', hash), false)
  t.same(pool.stats(), { running: 0, waiting: 0 })
})

t.test('reads $2a$ and $2y$', async (t) => {
  const pool = open(t)
  const hash = await bcrypt.hash('sk_live_x', 4)
  t.equal(await pool.compare('sk_live_x', hash.replace('$2b$', '$2y$')), true)
  t.equal(await pool.compare('sk_live_y', hash.replace('$2b$', '$2y$')), false)
  t.equal(await pool.compare('sk_live_x', hash.replace('$2b$', '$2a$')), true)
})

t.test('a malformed hash matches nothing, and costs no process', async (t) => {
  const pool = open(t)
  const hash = await bcrypt.hash('sk_live_x', 4)
  const malformed = ['', 'x', 'sk_live_x', hash.slice(0, -1), `${hash}x`, hash.replace('$2b$', '$2x$'), hash.replace('$04$', '$03$'),
    hash.replace('$04$', '$31$'), hash.replace('$04$', '$99$'), `${hash.slice(0, -1)}é`, `${hash}\n`]
  for (const text of malformed) t.equal(await pool.compare('sk_live_x', text), false, JSON.stringify(text))
  t.equal(pool.pid, null)
})

t.test('what bcrypt would silently cut off is refused', async (t) => {
  const pool = open(t)
  const key = 'k'.repeat(72)
  const hash = await pool.hash(key, 4)
  t.equal(await pool.compare(key, hash), true)
  t.equal(await pool.compare(`${key}x`, hash), false)
  t.equal(await pool.compare('é'.repeat(37), hash), false)
  await t.rejects(pool.hash(`${key}x`, 4), RangeError)
})
