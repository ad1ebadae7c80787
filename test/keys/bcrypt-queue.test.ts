import { availableParallelism } from 'node:os'
import bcrypt from 'bcrypt'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { BcryptBusyError, BcryptPool } from '../../src/keys/bcrypt.ts'

const open = (t: Test, queueMax: number) => {
  const pool = new BcryptPool({ queueMax, logger: pino({ level: 'silent' }) })
  t.teardown(() => pool.close())
  return pool
}

t.test('one hash is compared with one key at a time, and holds a quarter of the queue at most', async (t) => {
  const pool = open(t, 8)
  const hash = await bcrypt.hash('right', 4)
  const calls = Array.from({ length: 5 }, (_, i) => pool.compare(`wrong ${i}`, hash))
  t.same(pool.stats(), { running: 1, waiting: 2 })
  const results = await Promise.allSettled(calls)
  t.same(results.map((result) => result.status), ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
  await t.rejects(Promise.all(calls), BcryptBusyError)
  t.equal(await pool.compare('right', hash), true, 'and goes on afterwards')
})

t.test('a full queue refuses at once', async (t) => {
  const pool = open(t, 4)
  const hashes = await Promise.all(Array.from({ length: 6 + availableParallelism() }, () => bcrypt.hash('right', 4)))
  const results = await Promise.allSettled(hashes.map((hash) => pool.compare('right', hash)))
  const refused = results.filter((result) => result.status === 'rejected')
  t.equal(refused.length, hashes.length - 4 - Math.max(1, availableParallelism() - 1))
  for (const result of refused) t.type(result.reason, BcryptBusyError)
})

t.test('a crowd at one hash does not hold up another', async (t) => {
  const pool = open(t, 100)
  const [crowded, other] = await Promise.all([bcrypt.hash('a', 4), bcrypt.hash('b', 4)])
  const order: string[] = []
  const crowd = Array.from({ length: 20 }, (_, i) => pool.compare(`wrong ${i}`, crowded).then(() => order.push('crowd')))
  const single = pool.compare('b', other).then(() => order.push('other'))
  await Promise.all([...crowd, single])
  t.ok(order.indexOf('other') <= 2, order.join(' '))
})

t.test('the same key and hash in flight are compared once', async (t) => {
  const pool = open(t, 4)
  const hash = await bcrypt.hash('right', 4)
  const calls = Array.from({ length: 50 }, () => pool.compare('right', hash))
  t.same(pool.stats(), { running: 1, waiting: 0 })
  t.same(new Set(await Promise.all(calls)), new Set([true]))
})
