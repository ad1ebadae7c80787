import t from 'tap'
import { killedWorkers } from '../support/usage-harness/scenarios/killed-workers.ts'

t.test('workers killed one at a time, and all with their primary, lose no row, and the books of all balance throughout', async t => {
  await killedWorkers(t, { rounds: 1 })
})
