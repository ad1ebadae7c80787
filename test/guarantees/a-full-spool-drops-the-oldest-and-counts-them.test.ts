import t from 'tap'
import { fullSpool } from '../support/usage-harness/scenarios/full-spool.ts'

t.test('an outage that takes longer than the spool has room for costs the oldest rows, each of them counted', async t => {
  await fullSpool(t, 'dropOldest')
})
