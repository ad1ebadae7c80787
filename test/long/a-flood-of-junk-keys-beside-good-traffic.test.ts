import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { scrape } from '../support/scrape.ts'
import { besiege } from '../support/siege.ts'
import { startUpstream } from '../support/upstream.ts'

for (const [kind, what] of [['junk', 'keys with a wrong checksum'], ['unknown', 'well-formed keys that nobody has']] as const) {
  t.test(`20,000 a second: ${what}`, async t => {
    const upstream = await startUpstream(t)
    const { start, headers } = await prepareGatewayProcesses(t, frontConfig(upstream.url))
    const gateway = await start(t)
    const { totals: [totals] } = await besiege(t, { gateway, headers, attacks: [{ kind, count: 20_000 }], calmMs: 4_000, attackMs: 8_000 })
    t.same(Object.keys(totals!.statuses).filter(status => !['401', '429', '503'].includes(status)), [])
    t.ok(totals!.statuses['401']! >= 100)
    t.ok(totals!.statuses['429']! > 1_000)
    const series = await scrape(gateway.adminUrl)
    t.comment(`keys looked up: ${series.get('latchkey_key_cache_total{result="miss"}')}`)
  })
}
