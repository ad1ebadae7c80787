import { Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../../../errors.ts'
import type { KeyName } from '../../../usage/reports/key-names.ts'
import type { TrafficDimension, TrafficLatency, TrafficNumbers, TrafficRow } from '../../../usage/reports/traffic-query.ts'
import { keyReference, plainText, routeId, statusRange, userReference, wholeNumber } from '../../arguments.ts'
import { complain } from '../../fault.ts'
import { examples } from '../../help.ts'
import { counted, Output } from '../../output.ts'
import { checkedPeriod, type PeriodOptions, sinceOption, tellPeriod, untilOption } from '../period.ts'
import { type Column, printCsv, printTable } from '../report-view.ts'
import { statusFilter, type StatusRange } from '../status-filter.ts'
import { withUsage } from '../usage-session.ts'

interface TrafficOptions extends PeriodOptions {
  readonly by: readonly TrafficDimension[]
  readonly key?: string
  readonly user?: string
  readonly route?: string
  readonly status?: StatusRange
  readonly sort?: 'requests' | 'errors' | 'time'
  readonly limit: number
  readonly cursor?: string
  readonly json?: boolean
  readonly csv?: boolean
}

interface NamedRow extends TrafficRow {
  /** Of the key that the row is about; null for one that is gone. */
  readonly keyName: KeyName | null
}

/** What a person types for a dimension. */
const dimensionOf = { key: 'key', user: 'user', route: 'route', status: 'status', class: 'statusClass', hour: 'hour', day: 'day', month: 'month' } as const satisfies Record<string, TrafficDimension>

export function trafficCommand (): Command {
  return new Command('traffic')
    .description('Requests, errors, bytes and latency, by up to three things.')
    .addOption(new Option('--by <what>', 'key, user, route, status, class (of the status), hour, day or month; once for each (default: key)')
      .argParser(collectDimensions))
    .addOption(sinceOption(7))
    .addOption(untilOption())
    .option('--key <id|prefix>', 'of this key only', keyReference)
    .option('--user <uuid|email>', "of this user's keys only", userReference)
    .option('--route <id>', 'on this route only', routeId)
    .option('--status <status>', 'that ended with this status: 404, 5xx', statusRange)
    .addOption(new Option('--sort <order>', 'most requests or errors first, or oldest first (default: time where there is one in --by, else requests)').choices(['requests', 'errors', 'time']))
    .option('--limit <rows>', 'rows a page', wholeNumber(1, 10_000), 50)
    .option('--cursor <cursor>', 'go on where the last page ended; all else as it was', plainText)
    .addOption(new Option('--json', 'print one JSON object: {"data", "nextCursor", "totals", "period"}').conflicts('csv'))
    .option('--csv', 'print CSV')
    .addHelpText('after', examples(
      ['latchkey usage report', "each key's requests in the last week"],
      ['latchkey usage report --by day --by class --since 30d', 'how each day went'],
      ['latchkey usage report --by route --user ada@example.com --sort errors', 'where one user meets errors'],
      ['latchkey usage report --by key --by month --since 2030-01-01 --until 2030-02-01 --csv', 'a month, for whoever writes the bills']
    ))
    .action(traffic)
}

async function traffic ({ by = ['key'], key, user, route, status, sort, limit, cursor, json = false, csv = false, ...period }: TrafficOptions): Promise<void> {
  const { from, to } = checkedPeriod(period)
  if (sort === 'time' && !by.some(isTime)) throw new UsageError('--sort time needs hour, day or month in --by.')
  const { report, rows } = await withUsage({ key, user }, async ({ pool, keyId, userId }) => {
    const [{ trafficReport }, { keyNames }] = await Promise.all([import('../../../usage/reports/traffic.ts'), import('../../../usage/reports/key-names.ts')])
    const report = await trafficReport(pool, {
      by,
      from,
      to,
      limit,
      filter: { ...keyId === null ? {} : { keyId }, ...userId === null ? {} : { userId }, ...route === undefined ? {} : { route }, ...statusFilter(status) },
      ...sort === undefined ? {} : { order: sort },
      ...cursor === undefined ? {} : { cursor },
    })
    const names = await keyNames(pool, report.rows.map(({ group }) => group.key ?? 0).filter(id => id > 0))
    return { report, rows: report.rows.map(row => ({ ...row, keyName: names.get(row.group.key ?? 0) ?? null })) }
  })
  const { totals, nextCursor } = report
  const output = new Output()
  if (json) return output.json({ data: rows.map(row => dataOf(row, by)), nextCursor, totals: rounded(totals), period: { from: report.from, to: report.to } })
  const columns = [...by.flatMap(dimension => dimensionColumns[dimension]), ...numberColumns]
  if (csv) printCsv(columns, rows)
  else printTable(output, columns, rows)
  tellPeriod(report)
  complain(`${counted(totals.requests, 'request')} in all, ${counted(totals.errors, 'error')}${latencyWords(totals)}.`)
  if (nextCursor !== null) complain(`There are more: add --cursor ${nextCursor}`)
}

function dataOf ({ group, keyName, ...numbers }: NamedRow, by: readonly TrafficDimension[]): object {
  const { key, user, ...others } = group
  return {
    ...by.includes('key') ? { keyId: key, keyPrefix: keyName?.prefix ?? null, keyName: keyName?.name ?? null } : {},
    ...by.includes('user') ? { userId: user } : {},
    ...others,
    ...rounded(numbers),
  }
}

const dimensionColumns: Readonly<Record<TrafficDimension, readonly Column<NamedRow>[]>> = {
  key: [
    { name: 'keyId', title: 'KEY', value: ({ group }) => group.key ?? null },
    { name: 'keyPrefix', title: 'PREFIX', value: ({ keyName }) => keyName?.prefix ?? null },
    { name: 'keyName', title: 'NAME', value: ({ keyName }) => keyName?.name ?? null },
  ],
  user: [{ name: 'userId', title: 'USER', value: ({ group }) => group.user ?? null }],
  route: [{ name: 'route', title: 'ROUTE', value: ({ group }) => group.route ?? null }],
  status: [{ name: 'status', title: 'STATUS', value: ({ group }) => group.status || null }],
  statusClass: [{ name: 'statusClass', title: 'STATUS', value: ({ group }) => group.statusClass || null, text: ({ group }) => group.statusClass ? `${group.statusClass}xx` : '-' }],
  hour: [timeColumn('hour', 16)],
  day: [timeColumn('day', 10)],
  month: [timeColumn('month', 7)],
}

function timeColumn (name: 'hour' | 'day' | 'month', characters: number): Column<NamedRow> {
  return {
    name,
    title: `${name.toUpperCase()} (UTC)`,
    value: ({ group }) => group[name] ?? null,
    text: ({ group }) => group[name]?.toISOString().slice(0, characters).replace('T', ' ') ?? '-',
  }
}

const numberColumns: readonly Column<NamedRow>[] = [
  { name: 'requests', title: 'REQUESTS', value: row => row.requests },
  { name: 'errors', title: 'ERRORS', value: row => row.errors },
  { name: 'serverErrors', title: '5XX', value: row => row.serverErrors },
  ...(['average', 'p50', 'p95', 'p99'] as const).map(name => latencyColumn(name)),
  { name: 'requestBytes', title: 'BYTES IN', value: row => row.requestBytes },
  { name: 'responseBytes', title: 'BYTES OUT', value: row => row.responseBytes },
]

function latencyColumn (name: keyof TrafficLatency): Column<NamedRow> {
  return {
    name: `${name}Ms`,
    title: name === 'average' ? 'AVG MS' : name.toUpperCase(),
    value: ({ latencyMs }) => latencyMs === null ? null : tenths(latencyMs[name]),
    text: ({ latencyMs }) => milliseconds(latencyMs?.[name]),
  }
}

function latencyWords ({ latencyMs }: TrafficNumbers): string {
  return latencyMs === null ? '' : `; half took up to ${milliseconds(latencyMs.p50)} ms, 99% up to ${milliseconds(latencyMs.p99)} ms`
}

function milliseconds (ms: number | undefined): string {
  return ms === undefined ? '-' : String(ms < 10 ? tenths(ms) : Math.round(ms))
}

/** Percentiles are no more exact than that. */
function tenths (ms: number): number {
  return Math.round(ms * 10) / 10
}

function rounded<T extends TrafficNumbers> (numbers: T): T {
  const { latencyMs } = numbers
  if (latencyMs === null) return numbers
  const { average, p50, p95, p99 } = latencyMs
  return { ...numbers, latencyMs: { average: tenths(average), p50: tenths(p50), p95: tenths(p95), p99: tenths(p99) } }
}

function isTime (dimension: TrafficDimension): boolean {
  return dimension === 'hour' || dimension === 'day' || dimension === 'month'
}

function collectDimensions (text: string, earlier: readonly TrafficDimension[] = []): TrafficDimension[] {
  const dimension = Object.hasOwn(dimensionOf, text) ? dimensionOf[text as keyof typeof dimensionOf] : undefined
  if (dimension === undefined) throw new InvalidArgumentError(`Allowed choices are ${Object.keys(dimensionOf).join(', ')}.`)
  const all = [...new Set([...earlier, dimension])]
  if (all.length > 3) throw new InvalidArgumentError('At most three.')
  return all
}
