import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { isBalanced, scrape, usageBooks, unwritten } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('recorded + recovered = written + dropped + waiting + spooled, whenever one looks', async t => {
  const upstream = await startUpstream(t)
  const { url, headers, gateway } = await startFront(t, upstream.url, {
    sections: 'usage: { flushEvery: 100ms, flushRows: 50 }',
    routes: ["id: forbidden, path: /forbidden, scopes: ['no:one']"],
  })
  const requests = 2000
  let sent = 0
  const client = async () => {
    while (sent < requests) {
      const answer = await send(`${url}/${sent++ % 10 === 0 ? 'forbidden' : 'x'}`, { headers })
      if (answer.status !== 200 && answer.status !== 403) throw new Error(`answered ${answer.status}`)
    }
  }
  const load = Promise.all(Array.from({ length: 10 }, client))
  const state = { isOver: false }
  load.finally(() => { state.isOver = true }).catch(() => {})

  let scrapes = 0
  let scrapesWithRowsWaiting = 0
  while (!state.isOver) {
    const books = await usageBooks(gateway.adminUrl)
    if (!isBalanced(books)) t.fail('the books do not balance', books)
    if (unwritten(books) > 0) scrapesWithRowsWaiting++
    scrapes++
  }
  await load
  t.ok(scrapes > 5 && scrapesWithRowsWaiting > 0, 'it was looked at while rows were under way', { scrapes, scrapesWithRowsWaiting })

  await until(async () => unwritten(await usageBooks(gateway.adminUrl)) === 0, 'all rows are written')
  t.same(await usageBooks(gateway.adminUrl), { recorded: requests, recovered: 0, written: requests, dropped: 0, waiting: 0, spooled: 0 })
  const { rows: [stored] } = await gateway.database.pool.query<{ rows: number }>('select count(*)::int as rows from api_key_usage')
  t.equal(stored!.rows, requests, 'and the table holds as many')

  const series = await scrape(gateway.adminUrl)
  t.equal(series.get('latchkey_requests_total{route="all",method="GET",code="200"}'), requests * 0.9)
  t.equal(series.get('latchkey_requests_total{route="forbidden",method="GET",code="403"}'), requests * 0.1)
  t.equal(series.get('latchkey_request_duration_seconds_count{route="all"}'), requests * 0.9)
  t.equal(series.get('latchkey_auth_total{outcome="valid"}'), requests * 0.9)
  t.equal(series.get('latchkey_auth_total{outcome="insufficient_scope"}'), requests * 0.1)
  t.equal(series.get('latchkey_upstream_duration_seconds_count{upstream="target"}'), requests * 0.9)
})
