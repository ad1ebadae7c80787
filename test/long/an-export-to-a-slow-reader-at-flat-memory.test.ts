import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'
import { readCsv } from '../usage/export/csv-reader.ts'
import { insertRows } from '../usage/export/support.ts'
import { createKeys } from '../usage/support.ts'

const rowCount = 300_000
// Far under the 70 MB of the rows' text, far over what a page and the collector's slack need.
const growthBytesMax = 48 * 1024 ** 2

const { url, pool } = await createDatabase(t)
await insertRows(pool, await createKeys(pool, 10), rowCount)
const { rows: [{ ids }] } = await pool.query("select string_agg(id::text, ',' order by id) as ids from api_key_usage")

for (const format of ['ndjson', 'csv']) {
  t.test(`${rowCount} rows of ${format} to a slow reader`, async t => {
    const child = startCli(['usage', 'export', '--format', format], { cwd: t.testdir(), env: { DATABASE_URL: url } })
    const residentBytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024
    const closed = once(child, 'close')
    const chunks: Buffer[] = []
    let startBytes = 0
    let peakBytes = 0
    let chunkCount = 0
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      chunkCount++
      // Slow by turns: while it waits, whoever doesn't wait for it would have read everything.
      if (chunkCount % 100 === 0) await delay(200)
      if (chunkCount % 10 !== 0 || child.exitCode !== null) continue
      const bytes = residentBytes()
      // What the process takes to warm up isn't held rows.
      if (chunkCount <= 100) startBytes = Math.max(startBytes, bytes)
      peakBytes = Math.max(peakBytes, bytes)
    }
    const [code] = await closed
    t.equal(code, 0)
    t.comment(`resident: ${mebibytes(startBytes)} MiB early, ${mebibytes(peakBytes)} MiB at the peak, ${mebibytes(Buffer.concat(chunks).length)} MiB of text`)
    t.ok(peakBytes - startBytes < growthBytesMax, 'memory stays flat', { startBytes, peakBytes })
    const text = Buffer.concat(chunks).toString()
    const found = format === 'csv' ? readCsv(text).slice(1).map(([id]) => id) : text.trimEnd().split('\n').map(line => String(JSON.parse(line).id))
    t.equal(found.length, rowCount)
    t.ok(found.join() === ids, 'every row once, in order')
  })
}

function mebibytes (bytes: number): number {
  return Math.round(bytes / 1024 ** 2)
}
