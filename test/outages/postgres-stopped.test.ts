import t from 'tap'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startLoad } from './load.ts'

for (const mode of ['fast', 'immediate'] as const) {
  t.test(mode === 'fast' ? 'Postgres is stopped and started' : 'Postgres crashes and recovers', async t => {
    const postgres = await startOwnPostgres(t)
    const load = await startLoad(t, { database: postgres })
    await postgres.stop(mode)
    await load.throughOutage()
    await postgres.start()
    await load.recovers()
    await load.ends()
  })
}
