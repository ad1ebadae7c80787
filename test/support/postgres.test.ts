import t from 'tap'
import { createDatabase } from './postgres.ts'

t.test('databases', async (t) => {
  const [one, two] = await Promise.all([createDatabase(t), createDatabase(t, { migrated: false })])
  await one.pool.query('create table only_here (id int)')
  await t.rejects(two.pool.query('select * from only_here'))

  t.equal((await one.pool.query('select from api_keys')).rowCount, 0, 'the migrated one has the tables')
  await t.rejects(two.pool.query('select from api_keys'), 'the other one is empty')
})
