import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { median } from '../measure/percentiles.ts'
import { rounded, type Section } from '../results.ts'
import type { CopyJob, CopyOutcome } from '../usage/copy-job.ts'
import { type WayToWrite, waysToWrite } from '../usage/ways-to-write.ts'
import { interleave } from './interleave.ts'

interface Contender {
  readonly id: string
  readonly way: WayToWrite
  readonly batchRows: number
}

interface Round extends CopyOutcome {
  readonly round: number
  readonly contender: Contender
}

/** What a measurement takes a second on any machine that is worth measuring, roughly. */
const rowsPerSecond = 20_000
const warmUpRows = 30_000
const batchSizes = [1_000, 10_000]

/** Whether COPY is a better way into the table than the product's statement: the same rows in each of them. */
export async function measureUsageCopy (bench: Bench): Promise<Section[]> {
  const { options } = bench
  const ways = Object.keys(waysToWrite) as WayToWrite[]
  const contenders = batchSizes.flatMap(batchRows => ways.map((way): Contender => ({ id: `${way}, ${batchRows} rows`, way, batchRows })))
  await bench.database.setAutovacuum(false)
  const rounds = await interleave(bench, contenders, {
    rounds: options.rounds,
    measure: async (contender, round) => ({ round, contender, ...await measureOnce(bench, contender) }),
    describe: measured => `${Math.round(measured.rows / measured.seconds)} rows/s, Postgres ${postgresMicros(measured).toFixed(1)} µs/row, own ${ownMicros(measured).toFixed(1)} µs/row`,
  })
  await bench.database.clearUsage()
  await bench.database.setAutovacuum(true)
  const of = (id: string, read: (round: Round) => number) => median(rounds.filter(({ contender }) => contender.id === id).map(read))
  return [{
    scenario: 'usage-copy',
    title: 'COPY beside the statement that the product writes usage with',
    rows: contenders.map(({ id, way, batchRows }) => ({
      way,
      'rows a batch': batchRows,
      'rows/s': rounded(of(id, speed)),
      'Postgres CPU µs/row': rounded(of(id, postgresMicros)),
      'own CPU µs/row': rounded(of(id, ownMicros)),
      'WAL bytes/row': rounded(of(id, ({ walBytes, rows }) => walBytes / rows)),
    })),
    notes: [
      ...batchSizes.flatMap(batchRows => ways.filter(way => way !== 'unnest').map(way => {
        // Of each round by itself: what disturbs one disturbs both sides of its ratio.
        const ratio = (read: (round: Round) => number) => median(rounds.filter(({ contender }) => contender.way === way && contender.batchRows === batchRows).map(measured => {
          const unnest = rounds.find(({ round, contender }) => round === measured.round && contender.way === 'unnest' && contender.batchRows === batchRows)
          return unnest === undefined ? NaN : read(measured) / read(unnest)
        })).toFixed(2)
        return `${way}, ${batchRows} rows a batch: ${ratio(speed)} × the rows/s of unnest, ${ratio(postgresMicros)} × its CPU in Postgres, ${ratio(ownMicros)} × its own`
      })),
      'One connection, one batch after another, writer on core 0 and Postgres on core 1. `copy` does less than the others: it looks at no key, so that a locked key would hold up a batch and a deleted one fail it.',
    ],
    rounds,
  }]
}

async function measureOnce ({ stage, database, options }: Bench, { way, batchRows }: Contender): Promise<CopyOutcome> {
  const job: CopyJob = { databaseUrl: database.url, postgresPid: database.pid, way, batchRows, rows: rowsPerSecond * options.seconds, warmUpRows }
  const program = [process.execPath, '--import=tsx', join(import.meta.dirname, '../usage/copy-process.ts'), JSON.stringify(job)]
  return JSON.parse(await stage.run('gateway', program)) as CopyOutcome
}

function speed ({ rows, seconds }: CopyOutcome): number {
  return rows / seconds
}

function postgresMicros ({ postgresCpuSeconds, rows }: CopyOutcome): number {
  return postgresCpuSeconds * 1e6 / rows
}

function ownMicros ({ ownCpuSeconds, rows }: CopyOutcome): number {
  return ownCpuSeconds * 1e6 / rows
}
