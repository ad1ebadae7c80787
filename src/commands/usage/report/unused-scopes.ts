import { Command, Option } from 'commander'
import type { KeyScopes, ScopeVerdict, UnusedScopes } from '../../../usage/reports/unused-scopes.ts'
import { keyReference, userReference, wholeNumber } from '../../arguments.ts'
import { readEnvironment } from '../../environment.ts'
import { complain } from '../../fault.ts'
import { examples } from '../../help.ts'
import { Output } from '../../output.ts'
import { minute, sinceOption, tellPeriod } from '../period.ts'
import { type Column, printCsv, printTable } from '../report-view.ts'
import { withUsage } from '../usage-session.ts'

interface UnusedScopesOptions {
  readonly since: Date
  readonly key?: string
  readonly user?: string
  readonly config?: string
  readonly limit: number
  readonly cursor?: number
  readonly json?: boolean
  readonly csv?: boolean
}

export function unusedScopesCommand (): Command {
  return new Command('unused-scopes')
    .description('What keys in force hold beyond what their requests needed, with the commands that take it away.')
    .addOption(sinceOption(30))
    .option('--key <id|prefix>', 'this key only', keyReference)
    .option('--user <uuid|email>', "this user's keys only", userReference)
    .option('--config <file>', 'the configuration with the routes (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--limit <number>', 'keys a page', wholeNumber(1, 500), 50)
    .option('--cursor <cursor>', 'go on where the last page ended', wholeNumber(0, 2_147_483_647))
    .addOption(new Option('--json', 'print one JSON object: {"data", "nextCursor", "period"}').conflicts('csv'))
    .option('--csv', 'print CSV')
    .addHelpText('after', examples(
      ['latchkey usage report unused-scopes', 'judged by the last 30 days'],
      ['latchkey usage report unused-scopes --key sk_live_a1B2 --since 90d', 'one key, judged by more'],
      ['latchkey usage report unused-scopes --json | jq -r ".data[].command // empty" | sh', 'narrow them all']
    ))
    .action(report)
}

async function report ({ since, key, user, config, limit, cursor, json = false, csv = false }: UnusedScopesOptions): Promise<void> {
  const { loadConfig } = await import('../../../config/load.ts')
  const environment = readEnvironment()
  const { routes } = loadConfig(config ?? environment.configFile, environment)
  const { data, nextCursor, period } = await withUsage({ key, user }, async ({ pool, keyId, userId }) => {
    const [{ ScopeJudge }, { unusedScopes }] = await Promise.all([import('../../../routes/scope-judge.ts'), import('../../../usage/reports/unused-scopes.ts')])
    const judge = new ScopeJudge(routes)
    return await unusedScopes(pool, {
      since,
      judge: (held, routes) => judge.judge(held, routes),
      keyId,
      userId,
      limit,
      ...cursor === undefined ? {} : { afterId: cursor },
    })
  })
  const output = new Output()
  if (json) return output.json({ data: data.map(key => ({ ...key, command: commandFor(key) })), nextCursor, period })
  if (csv) printCsv(columns, data)
  else printTable(output, columns, data)
  tellPeriod(period)
  tellGap(period, data)
  for (const verdict of Object.keys(remarks) as ScopeVerdict[]) {
    if (data.some(key => key.verdict === verdict)) complain(remarks[verdict])
  }
  for (const command of data.map(commandFor)) if (command !== null) complain(`  ${command}`)
  if (nextCursor !== null) complain(`There are more: add --cursor ${nextCursor}`)
}

/** What to type to narrow a key. Scopes of a configuration hold nothing that a shell would read otherwise. */
function commandFor ({ id, narrowed }: KeyScopes): string | null {
  if (narrowed === null) return null
  return `latchkey keys update ${id} ${narrowed.length === 0 ? '--no-scopes' : narrowed.map(scope => `--scope ${scope}`).join(' ')}`
}

function tellGap ({ from, knownFrom }: UnusedScopes['period'], keys: readonly KeyScopes[]): void {
  if (!keys.some(({ verdict }) => verdict === 'young') || (knownFrom !== null && knownFrom <= from)) return
  complain(knownFrom === null ? 'No request is known at all.' : `Usage is known only since ${minute(knownFrom)} UTC: give a later --since.`)
}

/** The last one announces the commands. */
const remarks: Readonly<Record<ScopeVerdict, string>> = {
  fits: 'fits: it needed all that it holds.',
  unused: 'unused: no request at all; see `latchkey usage report idle-keys`.',
  young: 'young: made within the period, or not all of the period is known: too early to take anything away.',
  unknown_routes: 'unknown routes: it used routes that the configuration does not have, and what they needed cannot be told. Not narrowed.',
  narrow: 'narrow: with these commands each holds what its requests needed, and no more:',
}

const columns: readonly Column<KeyScopes>[] = [
  { name: 'id', title: 'ID', value: key => key.id },
  { name: 'prefix', title: 'PREFIX', value: key => key.prefix },
  { name: 'name', title: 'NAME', value: key => key.name },
  { name: 'verdict', title: 'VERDICT', value: key => key.verdict, text: key => key.verdict.replace('_', ' ') },
  { name: 'held', title: 'HELD', value: key => key.held.join(' ') },
  { name: 'needed', title: 'NEEDED', value: key => key.needed.join(' ') },
  { name: 'unneeded', title: 'UNNEEDED', value: key => key.unneeded.join(' ') },
  { name: 'wider', title: 'TOO WIDE', value: key => key.wider.join(' ') },
  { name: 'unknownRoutes', title: 'UNKNOWN ROUTES', value: key => key.unknownRoutes.map(route => route === '' ? '(unnamed)' : route).join(' ') },
]
