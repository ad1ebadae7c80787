import t from 'tap'
import { connectionFaults } from '../support/usage-harness/scenarios/connection-faults.ts'

t.test('connections that stall, are reset or break at a COMMIT, and kills with them, lose no row and write none twice', async t => {
  await connectionFaults(t, { rounds: 1 })
})
