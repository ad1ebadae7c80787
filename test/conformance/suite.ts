import type { Test } from 'tap'
import { type FrontOptions, startFront } from '../support/front.ts'
import type { CaseGroup } from './case.ts'
import { judge } from './judge.ts'
import { observe } from './observe.ts'
import { RawUpstream } from './upstream.ts'

/** Runs groups of cases against one Latchkey, a test for each case: nothing against the RFCs, and exactly what was expected. */
export async function testCases (t: Test, groups: readonly CaseGroup[], options: FrontOptions = {}): Promise<void> {
  const upstream = await RawUpstream.start()
  t.teardown(() => upstream.close())
  const { url, key, gateway } = await startFront(t, upstream.url, options)
  const front = { name: 'Latchkey', url, key }
  for (const { title, cases } of groups) {
    await t.test(title, async t => {
      for (const it of cases) {
        const observed = await observe(front, upstream, it)
        const { outcome, violations, deviations } = judge(it, observed)
        const faults = [...violations.map(({ kind, detail }) => `${kind}: ${detail}`), ...deviations]
        t.same(faults, [], `${it.name} (${it.rfc}): ${outcome}`, { sent: observed.sent.slice(0, 500), received: observed.received.slice(0, 500), upstream: observed.upstream.map(({ received }) => received.slice(0, 800)) })
      }
    })
  }
  t.notOk(gateway.logs.some(line => line.includes('"level":50') || line.includes('"level":60')), 'nothing failed inside')
}
