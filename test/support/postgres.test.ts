import t from 'tap'
import { createDatabase } from './postgres.ts'

t.test('databases', async (t) => {
  const [one, two] = await Promise.all([createDatabase(t), createDatabase(t, { migrated: false })])
  await one.pool.query('create table only_here (id int)')
  await t.rejects(two.pool.query('select * from only_here'))
})
