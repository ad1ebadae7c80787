import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { median } from '../measure/percentiles.ts'
import { rounded, type Section } from '../results.ts'
import type { MemorySample, VolumeJob, VolumeOutcome } from '../usage/volume-job.ts'
import { interleave } from './interleave.ts'

interface Contender {
  readonly id: string
  readonly fsync: VolumeJob['fsync']
}

interface Round extends VolumeOutcome {
  readonly round: number
  readonly id: string
}

const perSecond = 20_000
const turnSeconds = 3
const contenders: readonly Contender[] = [
  { id: 'without a spool', fsync: null },
  { id: 'spool, fsync never', fsync: 'never' },
  { id: 'spool, fsync flush', fsync: 'flush' },
  { id: 'spool, fsync always', fsync: 'always' },
]

/** 20,000 rows a second, for as long as asked: what they cost, what they take of memory, and how long they hold up the rest. */
export async function measureUsageVolume (bench: Bench): Promise<Section[]> {
  const { options, database } = bench
  await database.setAutovacuum(false)
  const rounds = await interleave(bench, contenders, {
    rounds: options.rounds,
    measure: async ({ id, fsync }, round): Promise<Round> => ({ round, id, ...await measureOnce(bench, fsync) }),
    describe: measured => `${Math.round(measured.rows / measured.seconds)} rows/s, own ${ownMicros(measured).toFixed(1)} µs/row, Postgres ${postgresMicros(measured).toFixed(1)} µs/row, longest turn ${measured.turns.maxCpuMs.toFixed(1)} ms`,
  })
  await database.clearUsage()
  await database.setAutovacuum(true)
  const of = (id: string, read: (round: Round) => number) => rounded(median(rounds.filter(round => round.id === id).map(read)))
  return [{
    scenario: 'usage-volume',
    title: `${perSecond.toLocaleString('en')} rows a second into Postgres`,
    rows: contenders.map(({ id }) => ({
      usage: id,
      'rows/s': of(id, ({ rows, dropped, seconds }) => (rows - dropped) / seconds),
      dropped: of(id, ({ dropped }) => dropped),
      'own CPU µs/row': of(id, ownMicros),
      'Postgres CPU µs/row': of(id, postgresMicros),
      'RSS MiB, then': of(id, ({ memory }) => quarter(memory, 1, ({ rssMiB }) => rssMiB)),
      'at the end': of(id, ({ memory }) => quarter(memory, 3, ({ rssMiB }) => rssMiB)),
      'heap MiB, then': of(id, ({ memory }) => quarter(memory, 1, ({ heapMiB }) => heapMiB)),
      'at its end': of(id, ({ memory }) => quarter(memory, 3, ({ heapMiB }) => heapMiB)),
      'external MiB, then': of(id, ({ memory }) => quarter(memory, 1, ({ externalMiB }) => externalMiB)),
      'in the end': of(id, ({ memory }) => quarter(memory, 3, ({ externalMiB }) => externalMiB)),
      'unwritten, most': of(id, ({ waitingMax, spooledMax }) => waitingMax + spooledMax),
      'turn p99.9 ms': of(id, ({ turns }) => turns.p999Ms),
      'longest, CPU ms': of(id, ({ turns }) => turns.maxCpuMs),
      'without GC': of(id, ({ turns }) => turns.maxCpuWithoutCollectionMs),
      'longest, ms': of(id, ({ turns }) => turns.maxMs),
      'delay p99.9 ms': of(id, ({ delay }) => delay.p999Ms),
    })),
    notes: [
      'Recorder, spool and store in a process of their own on core 0, Postgres on core 1. Own CPU is all of the process, without what making the rows takes. Memory: medians of the second and of the last quarter of the time.',
      `A turn is all that runs from one setImmediate to the next: recording what is due, and whatever of a flush runs without a break, collecting garbage included. They are measured by themselves, for ${turnSeconds} s, as that takes all of the core. The longest is given in CPU time of its thread, and as it passed, with what the system gave to others meanwhile. The delay is what monitorEventLoopDelay tells of the time before, with a resolution of 1 ms, which is in it.`,
    ],
    rounds,
  }]
}

async function measureOnce ({ stage, database, folder, options }: Bench, fsync: VolumeJob['fsync']): Promise<VolumeOutcome> {
  await database.clearUsage()
  const job: VolumeJob = { databaseUrl: database.url, postgresPid: database.pid, dataDir: join(folder, 'volume'), perSecond, seconds: options.seconds, fsync, turnSeconds }
  const program = [process.execPath, '--import=tsx', join(import.meta.dirname, '../usage/volume-process.ts'), JSON.stringify(job)]
  return JSON.parse(await stage.run('gateway', program)) as VolumeOutcome
}

function quarter (memory: readonly MemorySample[], number: number, read: (sample: MemorySample) => number): number {
  const length = Math.floor(memory.length / 4)
  return median(memory.slice(number * length, (number + 1) * length).map(read))
}

function ownMicros ({ ownCpuSeconds, makingCpuSeconds, rows }: VolumeOutcome): number {
  return (ownCpuSeconds - makingCpuSeconds) * 1e6 / rows
}

function postgresMicros ({ postgresCpuSeconds, rows }: VolumeOutcome): number {
  return postgresCpuSeconds * 1e6 / rows
}
