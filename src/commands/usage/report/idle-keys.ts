import { Command, Option } from 'commander'
import type { ActiveKey } from '../../../usage/reports/active-keys.ts'
import type { IdleKeys } from '../../../usage/reports/idle-keys.ts'
import { userReference, wholeNumber } from '../../arguments.ts'
import { complain } from '../../fault.ts'
import { examples } from '../../help.ts'
import { Output } from '../../output.ts'
import { minute, sinceOption } from '../period.ts'
import { type Column, printCsv, printTable } from '../report-view.ts'
import { withUsage } from '../usage-session.ts'

interface IdleKeysOptions {
  readonly since: Date
  readonly user?: string
  readonly limit: number
  readonly cursor?: number
  readonly json?: boolean
  readonly csv?: boolean
}

export function idleKeysCommand (): Command {
  return new Command('idle-keys')
    .description('Keys in force that nobody has used for a while. Those made since are left out.')
    .addOption(sinceOption(90, 'not used since: 30d, 2030-01-31'))
    .option('--user <uuid|email>', "this user's only", userReference)
    .option('--limit <number>', 'keys a page', wholeNumber(1, 500), 50)
    .option('--cursor <cursor>', 'go on where the last page ended', wholeNumber(0, 2_147_483_647))
    .addOption(new Option('--json', 'print one JSON object: {"data", "nextCursor", "period"}').conflicts('csv'))
    .option('--csv', 'print CSV')
    .addHelpText('after', examples(
      ['latchkey usage report idle-keys', 'not used for 90 days'],
      ['latchkey usage report idle-keys --since 30d --json | jq -r ".data[].id" | xargs -n1 latchkey keys disable', 'disable what was not used for 30 days']
    ))
    .action(report)
}

async function report ({ since, user, limit, cursor, json = false, csv = false }: IdleKeysOptions): Promise<void> {
  const { data, nextCursor, period } = await withUsage({ user }, async ({ pool, userId }) => {
    const { idleKeys } = await import('../../../usage/reports/idle-keys.ts')
    return await idleKeys(pool, { since, userId, limit, ...cursor === undefined ? {} : { afterId: cursor } })
  })
  const output = new Output()
  if (json) {
    // Beside the result: whoever disables what is listed has to know what isn't.
    tellGap(period)
    return output.json({ data, nextCursor, period })
  }
  const columns = columnsFor(output)
  if (csv) printCsv(columns, data)
  else printTable(output, columns, data)
  tellGap(period)
  if (data.length > 0) complain(`Not used since ${minute(since)} UTC. To stop one: latchkey keys disable ID`)
  else complain(`${period.isKnown ? 'Every key' : 'Every other key'} in force was used, or made, since ${minute(since)} UTC.`)
  if (nextCursor !== null) complain(`There are more: add --cursor ${nextCursor}`)
}

function tellGap ({ knownFrom, isKnown }: IdleKeys['period']): void {
  if (isKnown) return
  complain(`${knownFrom === null ? 'No usage is known' : `Usage is known only since ${minute(knownFrom)} UTC`}; keys without a recorded use are left out.`)
}

function columnsFor (output: Output): readonly Column<ActiveKey>[] {
  return [
    { name: 'id', title: 'ID', value: key => key.id },
    { name: 'prefix', title: 'PREFIX', value: key => key.prefix },
    { name: 'name', title: 'NAME', value: key => key.name },
    { name: 'userId', title: 'USER', value: key => key.userId },
    { name: 'scopes', title: 'SCOPES', value: key => key.scopes.join(',') },
    { name: 'createdAt', title: 'CREATED', value: key => key.createdAt, text: key => output.time(key.createdAt, '-') },
    { name: 'lastUsedAt', title: 'LAST USED', value: key => key.lastUsedAt, text: key => output.time(key.lastUsedAt, 'never') },
  ]
}
