import t from 'tap'
import { connectionFaults } from '../support/usage-harness/scenarios/connection-faults.ts'
import { databaseOutages } from '../support/usage-harness/scenarios/database-outages.ts'
import { fullSpool } from '../support/usage-harness/scenarios/full-spool.ts'
import { killedWorkers } from '../support/usage-harness/scenarios/killed-workers.ts'
import { killsUnderLoad } from '../support/usage-harness/scenarios/kills-under-load.ts'
import { twoGateways } from '../support/usage-harness/scenarios/two-gateways.ts'

t.test('20 kills of the gateway under load', async t => await killsUnderLoad(t, { kills: 20 }))
t.test('10 kills of the gateway under as much load as it can take', async t => await killsUnderLoad(t, { kills: 10, load: { clients: 32, restMs: 0 } }))
t.test('12 crashes of the database, and kills of the gateway while it is away', async t => await databaseOutages(t, { outages: 12 }))
t.test('connections that stall, are reset and break at a COMMIT, with kills, 6 times over', async t => await connectionFaults(t, { rounds: 6 }))
t.test('two gateways on one folder, of which one or the other is killed, 10 times', async t => await twoGateways(t, { rounds: 10 }))
t.test('two workers, killed one at a time and all at once, 7 times', async t => await killedWorkers(t, { rounds: 7 }))
t.test('a spool and a memory that are full drop the newest rows', async t => await fullSpool(t, 'dropNewest'))
