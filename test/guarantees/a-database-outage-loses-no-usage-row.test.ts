import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { isBalanced, usageBooks, unwritten } from '../support/scrape.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

for (const outage of ['cut', 'stall'] as const) {
  t.test(`requests go on through an outage (${outage}), and every one of them is written once after it`, async t => {
    const database = await createDatabase(t)
    const proxy = await proxyTo(database.url)
    t.teardown(() => proxy.close())
    const upstream = await startUpstream(t)
    const { url, headers, gateway } = await startFront(t, upstream.url, { database, databaseUrl: proxy.through(database.url), sections: 'usage: { flushEvery: 50ms, flushRows: 20 }' })
    let asked = 0
    const ask = async (requests: number) => {
      for (let i = 0; i < requests; i++) {
        const { status } = await send(`${url}/x`, { headers: { ...headers, 'x-request-id': `r-${asked++}` } })
        if (status !== 200) throw new Error(`a cached key was answered ${status}`)
      }
    }

    await ask(50)
    const under = ask(50)
    if (outage === 'cut') await proxy.cut()
    else proxy.stall()
    await under
    await ask(100)
    const during = await usageBooks(gateway.adminUrl)
    t.ok(isBalanced(during), 'the books balance while it lasts', during)
    t.ok(unwritten(during) >= 100, 'the rows of the outage wait', during)
    if (outage === 'stall') proxy.reset()
    await proxy.resume()
    await ask(50)

    await until(async () => unwritten(await usageBooks(gateway.adminUrl)) === 0, 'the backlog is written', { timeoutMs: 60_000 })
    t.match(await usageBooks(gateway.adminUrl), { recorded: asked, written: asked, dropped: 0 })
    const { rows: [stored] } = await database.pool.query('select count(*)::int as rows, count(distinct request_id)::int as requests from api_key_usage')
    t.same(stored, { rows: asked, requests: asked })
  })
}
