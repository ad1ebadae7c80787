import t from 'tap'
import { twoGateways } from '../support/usage-harness/scenarios/two-gateways.ts'

t.test('what a killed gateway left is written once, by whichever comes first, and nothing of one that lives is taken', async t => {
  await twoGateways(t, { rounds: 2 })
})
