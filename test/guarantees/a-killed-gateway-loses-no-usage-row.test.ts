import t from 'tap'
import { killsUnderLoad } from '../support/usage-harness/scenarios/kills-under-load.ts'

t.test('killed under load at any moment, it loses nothing that was answered 200 ms before, and writes nothing twice', async t => {
  await killsUnderLoad(t, { kills: 3 })
})
