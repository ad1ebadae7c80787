// Usage at a constant rate through the product's recorder, spool and store, as a process of its own:
// node volume-process.ts JOB, a VolumeJob as JSON. Prints a VolumeOutcome.
import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { createPool } from '../../src/database/pool.ts'
import { UsageRecorder } from '../../src/usage/recorder.ts'
import { Spool } from '../../src/usage/spool/spool.ts'
import { PostgresUsageStore } from '../../src/usage/stores/postgres.ts'
import { cpuSeconds } from '../measure/cpu.ts'
import { MainThread } from '../measure/main-thread.ts'
import { latenciesOf } from '../measure/percentiles.ts'
import { RowMaker } from './made-rows.ts'
import type { MemorySample, Turns, VolumeJob, VolumeOutcome } from './volume-job.ts'

const everyMs = 5
const perTurnMax = 20
const turnsMax = 2_000_000
const longTurnMs = 0.2
const warmUpMs = 3_000
const sampleEveryMs = 250
const drainMs = 60_000
const mib = 1024 * 1024

const { databaseUrl, postgresPid, dataDir, perSecond, seconds, fsync, turnSeconds } = JSON.parse(process.argv[2] ?? '') as VolumeJob
const logger = pino({ level: 'warn' }, pino.destination(2))
const pool = createPool({ connectionString: databaseUrl, applicationName: 'bench usage', connectionsMax: 2, queryTimeoutMs: 30_000, logger })
const { rows: keys } = await pool.query<{ id: number }>('select id from api_keys order by id limit 1000')
const maker = new RowMaker(keys.map(({ id }) => id))
const store = new PostgresUsageStore(pool)
const recorder = new UsageRecorder({
  store,
  spool: fsync === null
    ? undefined
    : {
        open: async () => await Spool.open({ dataDir, name: randomBytes(8).toString('hex'), installationId: await store.installationId(), logger }),
        bytesMax: 1024 * mib,
        whenFull: 'dropNewest',
        fsync,
      },
  flushEveryMs: 1_000,
  flushRows: 1_000,
  logger,
  redact: text => text,
})
await recorder.startSpool()

await record(warmUpMs)
await drained()
await pool.query('truncate api_key_usage')
const memory: MemorySample[] = []
let waitingMax = 0
let spooledMax = 0
const sampler = setInterval(() => {
  const { rss, heapUsed, external } = process.memoryUsage()
  memory.push({ rssMiB: rss / mib, heapMiB: heapUsed / mib, externalMiB: external / mib })
  const { waiting, spooled } = recorder.stats()
  waitingMax = Math.max(waitingMax, waiting)
  spooledMax = Math.max(spooledMax, spooled)
}, sampleEveryMs)
const lateness = monitorEventLoopDelay({ resolution: 1 })
const before = recorder.stats()
const ownBefore = process.cpuUsage()
const postgresBefore = cpuSeconds(postgresPid)
const startedAt = performance.now()
lateness.enable()
const rows = await record(seconds * 1000)
lateness.disable()
await recorder.flush()
await drained()
const tookSeconds = (performance.now() - startedAt) / 1000
const postgresAfter = cpuSeconds(postgresPid)
const own = process.cpuUsage(ownBefore)
clearInterval(sampler)
const after = recorder.stats()
const { rows: [stored] } = await pool.query<{ count: number }>('select count(*)::int as count from api_key_usage')
if (stored?.count !== after.written - before.written) throw new Error(`${stored?.count} rows are there, ${after.written - before.written} were written`)
const turns = await measureTurns()
const outcome: VolumeOutcome = {
  rows,
  dropped: after.dropped,
  seconds: tookSeconds,
  waitingMax,
  spooledMax,
  ownCpuSeconds: (own.user + own.system) / 1e6,
  makingCpuSeconds: costOfMaking(rows),
  postgresCpuSeconds: postgresAfter.own + postgresAfter.helpers - postgresBefore.own - postgresBefore.helpers,
  memory,
  delay: { p999Ms: lateness.percentile(99.9) / 1e6, maxMs: lateness.max / 1e6 },
  turns,
}
await recorder.close({ timeoutMs: drainMs })
await pool.end()
process.stdout.write(`${JSON.stringify(outcome)}\n`)

/** As many rows as are due, every few milliseconds. Gives how many. */
async function record (forMs: number): Promise<number> {
  const beganAt = performance.now()
  let recorded = 0
  for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs = performance.now() - beganAt) {
    // No more at once than a gateway that was held up for a while would have to answer.
    recorded += recordDue(recorded, elapsedMs, perSecond / 10)
    await delay(everyMs)
  }
  return recorded
}

function recordDue (recorded: number, elapsedMs: number, dueMax: number): number {
  const due = Math.min(Math.floor(elapsedMs * perSecond / 1000) - recorded, dueMax)
  for (let i = 0; i < due; i++) recorder.record(maker.next())
  return due
}

async function drained (): Promise<void> {
  const deadlineMs = performance.now() + drainMs
  for (let { waiting, spooled } = recorder.stats(); waiting + spooled > 0; { waiting, spooled } = recorder.stats()) {
    if (performance.now() > deadlineMs) throw new Error(`${waiting + spooled} rows are not written after ${drainMs} ms`)
    await delay(10)
  }
}

async function measureTurns (): Promise<Turns> {
  // Made beforehand: one that grows would be the longest turn.
  const tookMs = new Float64Array(turnsMax)
  let count = 0
  const longTurns: { readonly fromMs: number, readonly toMs: number, readonly cpuMs: number }[] = []
  const collections: { readonly fromMs: number, readonly toMs: number }[] = []
  const observer = new PerformanceObserver(list => { for (const { startTime, duration } of list.getEntries()) collections.push({ fromMs: startTime, toMs: startTime + duration }) })
  observer.observe({ entryTypes: ['gc'] })
  const thread = new MainThread()
  let maxCpuMs = 0
  let recorded = 0
  const beganAt = performance.now()
  let at = beganAt
  let cpuMs = thread.cpuMs()
  while (at - beganAt < turnSeconds * 1000 && count < turnsMax) {
    // Where the system gave the core to others, what is to be caught up with mustn't be the longest turn itself.
    recorded += recordDue(recorded, at - beganAt, perTurnMax)
    await new Promise(resolve => setImmediate(resolve))
    const now = performance.now()
    const cpuMsNow = thread.cpuMs()
    tookMs[count++] = now - at
    maxCpuMs = Math.max(maxCpuMs, cpuMsNow - cpuMs)
    if (cpuMsNow - cpuMs > longTurnMs) longTurns.push({ fromMs: at, toMs: now, cpuMs: cpuMsNow - cpuMs })
    at = now
    cpuMs = cpuMsNow
  }
  thread.close()
  await recorder.flush()
  await drained()
  observer.disconnect()
  const { p999Ms, maxMs } = latenciesOf(tookMs.subarray(0, count))
  const undisturbed = longTurns.filter(turn => !collections.some(({ fromMs, toMs }) => fromMs < turn.toMs && toMs > turn.fromMs))
  return { count, p999Ms, maxMs, maxCpuMs, maxCpuWithoutCollectionMs: Math.max(0, ...undisturbed.map(({ cpuMs }) => cpuMs)) }
}

function costOfMaking (count: number): number {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) maker.next()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
