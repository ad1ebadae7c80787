import t from 'tap'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startLoad } from '../outages/load.ts'

t.test('Postgres has no connection left, not even those that the gateway had', async t => {
  const postgres = await startOwnPostgres(t)
  const load = await startLoad(t, { database: postgres })
  const giveBack = await postgres.takeConnections({ evicts: true })
  await load.throughOutage()
  await giveBack()
  await load.recovers()
  await load.ends()
})
