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

/** What a power cut or a disk may leave of segments: all rows but those that were hit are there, once. */
export async function tornSegments (t: Test): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  // Small ones, so that there is one for each.
  const harness = await startHarness(t, { database, usage: 'flushRows: 100' })
  const gateway = await harness.start({ databaseUrl: proxy.through(database.url) })
  await harness.answers(200)
  await proxy.cut()
  await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled >= 300 * Object.keys(tears).length)
  await harness.load.pause(atRiskMs)
  await gateway.kill()

  // The first may be in the database by now, and of the last nobody would say that they had to be on the disk.
  const segments = segmentsOf(gateway.dataFolder).filter(({ rows }) => rows.length >= 10).reverse().slice(2)
  const torn = Object.entries(tears).map(([what, tear], i) => {
    const segment = segments[i]
    if (segment === undefined) throw new Error('there are too few segments with ten rows')
    const { from, to } = tear(segment)
    const hit = segment.rows.filter(({ end }, row) => end > from && (segment.rows[row - 1]?.end ?? 0) < to).map(({ id }) => id)
    return { what, file: basename(segment.file), hit }
  })
  harness.load.resume()
  await proxy.resume()
  await gateway.start()
  for (const { what, file } of torn) {
    const said = new RegExp(`"level":50.*${file.slice(0, 36)}.*bytesLost.*damaged`)
    await until(() => said.test(gateway.life.process.cli.stdout), `${what}: it says what was lost`)
    t.pass(`${what}: it says what was lost`)
  }
  await harness.answers(200)
  await harness.settle()
  const verdict = await harness.verdict()
  const excused = new Set(torn.flatMap(({ hit }) => hit))
  t.same(harness.tell(verdict, verdict.violations.filter(({ kind, id }) => kind !== 'lost row' || !excused.has(id))), [], 'all rows but those that were hit are there, once, and none that is none')
  const missing = new Set(verdict.missing.map(({ id }) => id))
  for (const { what, hit } of torn) if (hit.length > 0) t.ok(hit.some(id => missing.has(id)), `${what}: rows were torn`)
  harness.assertBooks()
  harness.tellOf(verdict)
}
