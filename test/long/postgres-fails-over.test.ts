import t from 'tap'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { startLoad } from '../outages/load.ts'

for (const end of ['stops', 'falls silent'] as const) {
  t.test(`the primary ${end}, and its address leads to the promoted standby`, async t => {
    const primary = await startOwnPostgres(t)
    const standby = await primary.startStandby(t)
    const proxy = await proxyTo(primary.url)
    t.teardown(() => proxy.close())
    const database = { url: primary.url, pool: primary.pool }
    const load = await startLoad(t, { database, databaseUrl: proxy.through(primary.url) })
    if (end === 'stops') await primary.stop('immediate')
    // Its connections stay open, and nobody will ever answer on them.
    else await primary.freeze()
    await load.throughOutage()
    await standby.promote()
    database.pool = standby.pool
    proxy.retarget(standby.url)
    await load.recovers()
    await load.ends()
  })
}
