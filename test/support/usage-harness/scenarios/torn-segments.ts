import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Test } from 'tap'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import { until } from '../../until.ts'
import { startHarness } from '../harness.ts'
import { atRiskMs } from '../judge.ts'
import { type SegmentContent, segmentsOf } from '../segments.ts'

/** Damages a segment, and gives the part of it that isn't as it was. */
type Tear = (segment: SegmentContent) => { readonly from: number, readonly to: number }

const middleOf = ({ rows }: SegmentContent) => rows[Math.floor(rows.length / 2)]!.end - 20

const tears: Readonly<Record<string, Tear>> = {
  'cut off in the middle of its last row': segment => cut(segment, segment.bytes.length - 20),
  'cut off in the middle': segment => cut(segment, middleOf(segment)),
  'with a byte changed in a row': segment => change(segment, middleOf(segment), 1, byte => byte ^ 0x10),
  'with another length of a row': segment => change(segment, segment.rows[1]!.end + 2, 1, byte => byte ^ 0x01),
  'with zeros in its middle': segment => change(segment, middleOf(segment), 600, () => 0),
  'with zeros in the place of its last rows': segment => change(segment, middleOf(segment), Infinity, () => 0),
  'with noise in its middle': segment => change(segment, middleOf(segment), 600, () => Math.trunc(Math.random() * 256)),
  'with garbage behind its rows': segment => append(segment, Buffer.from('nothing that anybody would have written here '.repeat(20))),
  'with a beginning of another row behind its rows': segment => append(segment, segment.bytes.subarray(8, 48)),
}

function cut ({ file, bytes }: SegmentContent, at: number): ReturnType<Tear> {
  truncateSync(file, at)
  return { from: at, to: bytes.length }
}

function change ({ file, bytes }: SegmentContent, from: number, length: number, changed: (byte: number) => number): ReturnType<Tear> {
  const to = Math.min(from + length, bytes.length)
  writeFileSync(file, bytes.map((byte, at) => at >= from && at < to ? changed(byte) : byte))
  return { from, to }
}

function append ({ file, bytes }: SegmentContent, more: Buffer): ReturnType<Tear> {
  appendFileSync(file, more)
  return { from: bytes.length, to: bytes.length }
}

/** What a power cut or a disk may leave of a segment: all rows but those that were hit are there, once. */
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
    const { from, to } = tear(segment)
    for (const [i, { id, end }] of segment.rows.entries()) if (end > from && (segment.rows[i - 1]?.end ?? 0) < to) excused.add(id)
    harness.load.resume()
    await proxy.resume()
    await gateway.start()
    const said = new RegExp(`"level":50.*${basename(segment.file).slice(0, 36)}.*bytesLost.*damaged`)
    await until(() => said.test(gateway.life.process.cli.stdout), `${what}: it says what was lost`)
    t.pass(`${what}: it says what was lost`)
  }
  await harness.answers(200)
  await harness.settle()
  const verdict = await harness.verdict()
  t.same(harness.tell(verdict, verdict.violations.filter(({ kind, id }) => kind !== 'lost row' || !excused.has(id))), [], 'all rows but those that were hit are there, once, and none that is none')
  t.ok(verdict.missing.length > 0, 'rows were torn', { missing: verdict.missing.length, excused: excused.size })
  harness.assertBooks()
  harness.tellOf(verdict)
}
