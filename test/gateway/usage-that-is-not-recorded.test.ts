import { existsSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { scrape, usageBooks } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('with usage.store: none requests are served, and nothing is written of them', async t => {
  const upstream = await startUpstream(t)
  const { url, headers, gateway, keyId } = await startFront(t, upstream.url, { sections: 'usage: { store: none, flushEvery: 1ms, flushRows: 1 }' })
  for (let i = 0; i < 20; i++) t.equal((await send(url, { headers })).status, 200)
  t.same(await usageBooks(gateway.adminUrl), { recorded: 0, recovered: 0, written: 0, dropped: 0, waiting: 0, spooled: 0 })
  const series = await scrape(gateway.adminUrl)
  t.equal(series.get('latchkey_requests_total{route="all",method="GET",code="200"}'), 20, 'metrics count them all the same')
  t.equal(series.get('latchkey_usage_flush_duration_seconds_count'), 0)
  t.notOk(existsSync(path.join(path.dirname(gateway.configFile), 'data/spool')), 'nothing is on disk either')
  // With the gateway's end, whatever was on its way would have been written.
  await gateway.server.close()
  const { rows: [stored] } = await gateway.database.pool.query(`
    select (select count(*)::int from api_key_usage) as rows, (select count(*)::int from latchkey.usage_batches) as batches, last_used_at
    from api_keys where id = $1`, [keyId])
  t.same(stored, { rows: 0, batches: 0, last_used_at: null })
})
