import { Command, Option } from 'commander'
import type pg from 'pg'
import { UsageError } from '../../errors.ts'
import { csv } from '../../usage/export/csv.ts'
import type { ExportFilter, StatusRange } from '../../usage/export/filter.ts'
import { ndjson } from '../../usage/export/ndjson.ts'
import type { TextFormat } from '../../usage/export/text-format.ts'
import { keyReference, pastTime, routeId, rowId, statusRange, userReference, wholeNumber } from '../arguments.ts'
import { complain, InterruptedError } from '../fault.ts'
import { examples } from '../help.ts'
import { counted } from '../output.ts'
import { openSink, type Sink } from './export-sink.ts'
import { withUsage } from './usage-session.ts'

interface ExportOptions {
  readonly format: 'ndjson' | 'csv'
  readonly since?: Date
  readonly until?: Date
  readonly key?: string
  readonly user?: string
  readonly route?: string
  readonly status?: StatusRange
  readonly cursor?: number
  readonly limit?: number
  readonly output?: string
  readonly resume?: boolean
  readonly header: boolean
}

const formats = { ndjson, csv } as const satisfies Record<string, TextFormat>
/** For a flush under way to end. */
const settlingMs = 10_000
const exitGraceMs = 500

export function exportCommand (): Command {
  return new Command('export')
    .description('Write usage rows, one a line, in the order in which they arrived; what was interrupted goes on where it ended.')
    .addOption(new Option('--format <format>', 'one JSON object a line, or CSV').choices(Object.keys(formats)).default('ndjson'))
    .option('--since <time>', 'requests that began then or later: 7d, 2030-01-31, 2030-01-31T12:00:00Z', pastTime)
    .option('--until <time>', 'and before then', pastTime)
    .option('--key <id|prefix>', 'of this key only', keyReference)
    .option('--user <uuid|email>', "of this user's keys only", userReference)
    .option('--route <id>', 'on this route only', routeId)
    .option('--status <status>', 'that ended with this status: 404, 5xx', statusRange)
    .option('--limit <rows>', 'at most so many', wholeNumber(1, 2_147_483_647))
    .option('--cursor <id>', 'go on behind this row, the last one that was exported', rowId)
    .option('--output <file>', 'write a new file (mode 0600), not to standard output')
    .addOption(new Option('--resume', 'go on where the --output file ends, or make it').conflicts('cursor'))
    .addOption(new Option('--no-header', 'CSV without its first line, to be appended to what is there').conflicts('resume'))
    .addHelpText('after', examples(
      ['latchkey usage export --since 1d | jq -r .endpoint', 'hand the last day to a program'],
      ['latchkey usage export --format csv --key sk_live_a1B2 --output usage.csv', 'a file for a spreadsheet'],
      ['latchkey usage export --output usage.ndjson --resume', 'fetch what has come since, as often as you like'],
      ['latchkey usage export --cursor 48211', 'go on behind a row that you have']
    ))
    .action(exportUsage)
}

async function exportUsage (options: ExportOptions): Promise<void> {
  const filter = checkedFilter(options)
  if (options.resume === true && options.output === undefined) throw new UsageError('--resume goes on with a file: add --output FILE.')
  const format = formats[options.format]
  const progress: Progress = { isBegun: false, rows: 0, cursor: options.cursor ?? 0 }
  let isRead = true
  try {
    await withUsage(options, async ({ pool, keyId, userId }) => {
      const settledId = await demandSettledId(pool)
      const sink = await openSink(pool, options, format)
      if (sink.lastId > 0) progress.cursor = sink.lastId
      try {
        isRead = await run({ pool, settledId, filter: { ...filter, keyId, userId }, format, sink, progress, rowsMax: options.limit ?? null })
      } finally {
        await sink.close()
      }
    })
  } catch (err) {
    // A part of the next page may have arrived: what is written says where to go on, and not what was counted.
    if (progress.isBegun) complain(`Broken off. To go on: ${options.output === undefined ? '--cursor with the id in the last whole line that arrived' : '--resume'}`)
    // What a reader doesn't take would keep the process from ending.
    if (err instanceof InterruptedError) setTimeout(() => process.exit(), exitGraceMs).unref()
    throw err
  }
  // A reader who has left needs no more words.
  if (isRead) complain(`Exported ${counted(progress.rows, 'row')}. What comes later: --cursor ${progress.cursor}`)
}

interface Run {
  readonly pool: pg.Pool
  readonly settledId: number
  readonly filter: ExportFilter
  readonly format: TextFormat
  readonly sink: Sink
  readonly progress: Progress
  readonly rowsMax: number | null
}

interface Progress {
  isBegun: boolean
  rows: number
  cursor: number
}

/** False once nobody reads any more. */
async function run ({ pool, settledId, filter, format, sink, progress, rowsMax }: Run): Promise<boolean> {
  const [{ exportPages }, { exportTexts }] = await Promise.all([import('../../usage/export/pages.ts'), import('../../usage/export/texts.ts')])
  if (sink.needsHeader && !await sink.write(format.header)) return false
  for await (const { text, rows, cursor } of exportTexts(exportPages(pool, { afterId: progress.cursor, settledId, filter, rowsMax }), format)) {
    progress.isBegun ||= text !== ''
    if (text !== '' && !await sink.write(text)) return false
    progress.rows += rows
    progress.cursor = cursor
  }
  return true
}

async function demandSettledId (pool: pg.Pool): Promise<number> {
  const { settledId } = await import('../../usage/rollups/settled.ts')
  const settled = await settledId(pool, { timeoutMs: settlingMs })
  if (settled !== null) return settled
  throw new Error('Somebody has been writing to api_key_usage for ten seconds without a commit, or this is a standby: what can be exported cannot be told. Try again later')
}

function checkedFilter ({ since = null, until = null, route = null, status = null }: { since?: Date | null, until?: Date | null, route?: string | null, status?: StatusRange | null }): Omit<ExportFilter, 'keyId' | 'userId'> {
  if (since !== null && until !== null && since >= until) throw new UsageError('--since must be before --until.')
  return { from: since, until, route, status }
}
