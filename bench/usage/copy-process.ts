// One measurement of writing usage rows, as a process of its own: node copy-process.ts JOB, a CopyJob as JSON. Prints a
// CopyOutcome. The rows are made before, so that only turning them into what is sent, and sending it, counts.
import { pino } from 'pino'
import { createPool } from '../../src/database/pool.ts'
import { cpuSeconds } from '../measure/cpu.ts'
import type { CopyJob, CopyOutcome } from './copy-job.ts'
import { RowMaker } from './made-rows.ts'
import { waysToWrite } from './ways-to-write.ts'

const { databaseUrl, postgresPid, way, batchRows, rows, warmUpRows } = JSON.parse(process.argv[2] ?? '') as CopyJob
const pool = createPool({ connectionString: databaseUrl, applicationName: 'bench usage', connectionsMax: 1, queryTimeoutMs: 60_000, logger: pino({ level: 'silent' }) })
const { rows: keys } = await pool.query<{ id: number }>('select id from api_keys order by id limit 1000')
const maker = new RowMaker(keys.map(({ id }) => id))
const write = await waysToWrite[way](pool)
for (let done = 0; done < warmUpRows; done += batchRows) await write(maker.batch(batchRows))
// Writing the last uses of all keys, due once a minute, would be a part of one measurement or another.
await pool.query('update api_keys set last_used_at = now()')
await pool.query('truncate api_key_usage')
await pool.query('checkpoint')
const batches = Array.from({ length: Math.ceil(rows / batchRows) }, () => maker.batch(batchRows))
const walBefore = await walPosition()
const ownBefore = process.cpuUsage()
const postgresBefore = cpuSeconds(postgresPid)
const startedAt = performance.now()
for (const batch of batches) await write(batch)
const seconds = (performance.now() - startedAt) / 1000
const postgresAfter = cpuSeconds(postgresPid)
const own = process.cpuUsage(ownBefore)
const walBytes = await walPosition() - walBefore
const written = batches.length * batchRows
const { rows: [stored] } = await pool.query<{ count: number }>('select count(*)::int as count from api_key_usage')
if (stored?.count !== written) throw new Error(`${stored?.count} rows are there, not ${written}`)
const outcome: CopyOutcome = {
  rows: written,
  seconds,
  postgresCpuSeconds: postgresAfter.own + postgresAfter.helpers - postgresBefore.own - postgresBefore.helpers,
  ownCpuSeconds: (own.user + own.system) / 1e6,
  walBytes,
}
await pool.end()
process.stdout.write(`${JSON.stringify(outcome)}\n`)

async function walPosition (): Promise<number> {
  const { rows: [row] } = await pool.query<{ bytes: string }>("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes")
  return Number(row?.bytes)
}
