import t from 'tap'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startLoad } from './load.ts'

t.test('Postgres freezes, with every connection open, and goes on', async t => {
  const postgres = await startOwnPostgres(t)
  const load = await startLoad(t, { database: postgres })
  await postgres.freeze()
  await load.throughOutage()
  postgres.thaw()
  await load.recovers()
  await load.ends()
})
