import t from 'tap'
import { clockFault, clockSkewMs, measureClockSkewMs } from '../../src/database/clock.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('what the way of question and answer explains is no difference', async t => {
  t.equal(clockSkewMs(1_000, 9_000, 1_000), 0)
  t.equal(clockSkewMs(1_000, 9_000, 5_000), 0)
  t.equal(clockSkewMs(1_000, 9_000, 9_000), 0)
  t.equal(clockSkewMs(1_000, 1_010, 4_010), 3_000)
  t.equal(clockSkewMs(1_000, 1_010, -2_000), -3_000)
})

t.test('from two seconds it is worth a look, from thirty it is a fault', async t => {
  for (const skewMs of [0, 1_999, -1_999]) t.equal(clockFault(skewMs), null)
  for (const skewMs of [2_000, 29_999, -2_000]) t.match(clockFault(skewMs), { isGrave: false, remedy: /NTP/ })
  for (const skewMs of [30_000, -30_000, 86_400_000, Infinity]) t.match(clockFault(skewMs), { isGrave: true })
  t.match(clockFault(-30_000), { detail: 'the database is 30.0 s behind this machine' })
  t.match(clockFault(30_000), { detail: 'the database is 30.0 s ahead of this machine' })
})

t.test('a database on this machine has this machine\'s time', async t => {
  const { pool } = await createDatabase(t)
  t.ok(Math.abs(await measureClockSkewMs(pool)) < 2_000)
})
