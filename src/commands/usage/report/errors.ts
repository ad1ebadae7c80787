import { Command, Option } from 'commander'
import type { KeyName } from '../../../usage/reports/key-names.ts'
import type { ErrorRow } from '../../../usage/reports/traffic-query.ts'
import { keyReference, routeId, statusRange, userReference, wholeNumber } from '../../arguments.ts'
import { complain } from '../../fault.ts'
import { examples } from '../../help.ts'
import { Output } from '../../output.ts'
import { checkedPeriod, minute, type PeriodOptions, sinceOption, tellPeriod, untilOption } from '../period.ts'
import { type Column, printCsv, printTable } from '../report-view.ts'
import { statusFilter, type StatusRange } from '../status-filter.ts'
import { withUsage } from '../usage-session.ts'

interface ErrorsOptions extends PeriodOptions {
  readonly key?: string
  readonly user?: string
  readonly route?: string
  readonly status?: StatusRange
  readonly limit: number
  readonly json?: boolean
  readonly csv?: boolean
}

interface NamedError extends ErrorRow {
  readonly keyName: KeyName | null
}

export function errorsCommand (): Command {
  return new Command('errors')
    .description('What failed most: which key, on which route, with which status.')
    .addOption(sinceOption(7))
    .addOption(untilOption())
    .option('--key <id|prefix>', 'of this key only', keyReference)
    .option('--user <uuid|email>', "of this user's keys only", userReference)
    .option('--route <id>', 'on this route only', routeId)
    .option('--status <status>', 'with this status only: 404, 5xx', statusRange)
    .option('--limit <rows>', 'at most so many', wholeNumber(1, 10_000), 20)
    .addOption(new Option('--json', 'print one JSON object: {"data", "nextCursor", "period"}').conflicts('csv'))
    .option('--csv', 'print CSV')
    .addHelpText('after', examples(
      ['latchkey usage report errors', "the last week's commonest"],
      ['latchkey usage report errors --since 1h --status 5xx', 'what the upstreams do right now'],
      ['latchkey usage report errors --status 403', 'who asks for what their key may not do']
    ))
    .action(errors)
}

async function errors ({ key, user, route, status, limit, json = false, csv = false, ...period }: ErrorsOptions): Promise<void> {
  const { from, to } = checkedPeriod(period)
  const { report, rows } = await withUsage({ key, user }, async ({ pool, keyId, userId }) => {
    const [{ errorReport }, { keyNames }] = await Promise.all([import('../../../usage/reports/traffic.ts'), import('../../../usage/reports/key-names.ts')])
    const report = await errorReport(pool, {
      from,
      to,
      limit,
      filter: { ...keyId === null ? {} : { keyId }, ...userId === null ? {} : { userId }, ...route === undefined ? {} : { route }, ...statusFilter(status) },
    })
    const names = await keyNames(pool, report.rows.map(({ key }) => key))
    return { report, rows: report.rows.map(row => ({ ...row, keyName: names.get(row.key) ?? null })) }
  })
  const output = new Output()
  if (json) return output.json({ data: rows.map(dataOf), nextCursor: null, period: { from: report.from, to: report.to } })
  if (csv) printCsv(columns, rows)
  else printTable(output, columns, rows)
  tellPeriod(report)
  if (rows.length === 0) complain('No request failed.')
}

function dataOf ({ key, keyName, ...others }: NamedError): object {
  return { keyId: key, keyPrefix: keyName?.prefix ?? null, keyName: keyName?.name ?? null, ...others }
}

const columns: readonly Column<NamedError>[] = [
  { name: 'requests', title: 'REQUESTS', value: row => row.requests },
  { name: 'status', title: 'STATUS', value: row => row.status },
  { name: 'route', title: 'ROUTE', value: row => row.route },
  { name: 'keyId', title: 'KEY', value: row => row.key },
  { name: 'keyPrefix', title: 'PREFIX', value: row => row.keyName?.prefix ?? null },
  { name: 'keyName', title: 'NAME', value: row => row.keyName?.name ?? null },
  { name: 'lastHour', title: 'LAST IN THE HOUR (UTC)', value: row => row.lastHour, text: row => minute(row.lastHour) },
]
