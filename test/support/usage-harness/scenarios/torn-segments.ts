import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Test } from 'tap'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import { until } from '../../until.ts'
import { startHarness } from '../harness.ts'
import { atRiskMs } from '../judge.ts'
import { type SegmentContent, segmentsOf } from '../segments.ts'

/** Damages a segment, and gives the place up to which it is as it was. */
type Tear = (segment: SegmentContent) => number

const middleOf = ({ rows }: SegmentContent) => rows[Math.floor(rows.length / 2)]!.end - 20

const tears: Readonly<Record<string, Tear>> = {
  'cut off in the middle of its last row': segment => {
    truncateSync(segment.file, segment.bytes.length - 20)
    return segment.bytes.length - 20
  },
  'cut off in the middle': segment => {
    truncateSync(segment.file, middleOf(segment))
    return middleOf(segment)
  },
  'with a byte changed in a row': segment => {
    const bytes = Buffer.from(segment.bytes)
    bytes[middleOf(segment)]! ^= 0x10
    writeFileSync(segment.file, bytes)
    return middleOf(segment)
  },
  'with garbage behind its rows': segment => {
    appendFileSync(segment.file, Buffer.from('nothing that anybody would have written here '.repeat(20)))
    return segment.bytes.length
  },
  'with zeros in the place of its last rows': segment => {
    const bytes = Buffer.from(segment.bytes).fill(0, middleOf(segment))
    writeFileSync(segment.file, bytes)
    return middleOf(segment)
  },
  'with a beginning of another row behind its rows': segment => {
    appendFileSync(segment.file, segment.bytes.subarray(8, 48))
    return segment.bytes.length
  },
}

/** What a power cut may leave of the segment that was written last: all whole rows before the tear are there, once. */
export async function tornSegments (t: Test): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const harness = await startHarness(t, { database })
  const gateway = await harness.start({ databaseUrl: proxy.through(database.url) })
  const excused = new Set<string>()
  for (const [what, tear] of Object.entries(tears)) {
    await harness.answers(200)
    await proxy.cut()
    await harness.answers(1_500)
    await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled >= 1_000)
    await harness.load.pause(atRiskMs)
    await gateway.kill()
    // One that is worth tearing.
    const segment = segmentsOf(gateway.dataFolder).find(({ rows }) => rows.length >= 10)
    if (segment === undefined) throw new Error('there is no segment with ten rows')
    const intactBytes = tear(segment)
    for (const { id, end } of segment.rows) if (end > intactBytes) excused.add(id)
    harness.load.resume()
    await proxy.resume()
    await gateway.start()
    const said = new RegExp(`"level":50.*${basename(segment.file).slice(0, 36)}.*bytesCut.*damaged`)
    await until(() => said.test(gateway.life.process.cli.stdout), `${what}: it says what it cut`)
    t.pass(`${what}: it says what it cut`)
  }
  await harness.answers(200)
  await harness.settle()
  const verdict = await harness.verdict()
  t.same(harness.tell(verdict, verdict.violations.filter(({ kind, id }) => kind !== 'lost row' || !excused.has(id))), [], 'all rows before a tear are there, once, and none that is none')
  t.ok(verdict.missing.length > 0, 'rows were torn', { missing: verdict.missing.length, excused: excused.size })
  harness.assertBooks()
  harness.tellOf(verdict)
}
