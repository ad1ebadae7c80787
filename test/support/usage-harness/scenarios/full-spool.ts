import type { Test } from 'tap'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import type { Asked } from '../asked.ts'
import { startHarness } from '../harness.ts'

const spoolMiB = 16
/** With these, a row takes more than this, so that the spool holds at most so many. */
const rowBytesMin = 800
const rowsMax = spoolMiB * 1024 * 1024 / rowBytesMin
const userAgent = 'a'.repeat(512)
const pathPadding = `-${'p'.repeat(200)}`
/** Rows of a segment and of requests that are under way together: which of them went first can't be told from outside. */
const blurredRows = 2_000

/** An outage that takes longer than the spool and memory have room for: rows are dropped as configured, and counted. */
export async function fullSpool (t: Test, whenSpoolIsFull: 'dropOldest' | 'dropNewest'): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const harness = await startHarness(t, {
    database,
    usage: `spoolBytesMax: ${spoolMiB}MiB, whenSpoolIsFull: ${whenSpoolIsFull}`,
    load: { userAgent, pathPadding, clients: 24, restMs: 0 },
  })
  const gateway = await harness.start({ databaseUrl: proxy.through(database.url) })
  await harness.answers(300)
  await proxy.cut()
  const outageFrom = harness.load.asked.length
  await harness.booksSay(gateway, 'thousands are dropped', ({ dropped }) => dropped >= 3_000, { timeoutMs: 300_000 })
  await harness.load.stop()
  await harness.booksSay(gateway, 'all are recorded', ({ recorded }) => recorded === harness.load.asked.length)
  const { spooled } = harness.books.lastOf(gateway.life)!.books
  t.ok(spooled <= rowsMax, 'the spool holds no more than it may', { spooled })
  const said = whenSpoolIsFull === 'dropOldest' ? /"reason":"spool full".*usage rows dropped/ : /usage spool is full/
  t.ok(said.test(gateway.life.process.cli.stdout), 'it says so')
  await proxy.resume()
  await harness.settle()
  // Rows that were in memory still until then may have driven out others.
  const { dropped } = harness.books.lastOf(gateway.life)!.books

  const verdict = await harness.verdict()
  t.same(harness.tell(verdict, verdict.violations.filter(({ kind }) => kind !== 'lost row')), [], 'what was not dropped is there once')
  t.equal(verdict.missing.length, dropped, 'as many are missing as were counted')
  const ofOutage = harness.load.asked.slice(outageFrom).filter(({ completedAtMs }) => completedAtMs !== null).sort((a, b) => a.completedAtMs! - b.completedAtMs!)
  const kept = whenSpoolIsFull === 'dropOldest' ? ofOutage.slice(-rowsMax / 2) : ofOutage.slice(blurredRows, rowsMax / 2)
  const missing = new Set<Asked>(verdict.missing)
  t.equal(kept.filter(request => missing.has(request)).length, 0, whenSpoolIsFull === 'dropOldest' ? 'the newest are there' : 'the oldest are there')
  harness.assertBooks()
  harness.tellOf(verdict)
}
