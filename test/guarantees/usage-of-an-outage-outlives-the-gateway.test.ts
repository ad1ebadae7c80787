import t from 'tap'
import { databaseOutages } from '../support/usage-harness/scenarios/database-outages.ts'

t.test('killed while its crashed database is away, the gateway writes all of the outage once, when both are back', async t => {
  await databaseOutages(t, { outages: 2 })
})
