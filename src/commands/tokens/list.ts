import { Command } from 'commander'
import type { TokenStatus } from '../../tokens/manager.ts'
import { complain } from '../fault.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withTokenManager } from './token-session.ts'

const colours = { active: 'green', expired: 'yellow', revoked: 'red' } as const satisfies Record<TokenStatus, string>
const statusColumn = 3

export function listCommand (): Command {
  return new Command('list')
    .description('List the tokens of the admin API, revoked ones too; never a hash. LATCHKEY_ADMIN_TOKEN is not among them.')
    .option('--json', 'print one JSON object: {"data"}')
    .addHelpText('after', examples(
      ['latchkey tokens list', 'all of them'],
      ['latchkey tokens list --json | jq -r ".data[].name"', 'hand it to a program']
    ))
    .action(list)
}

async function list ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const tokens = await withTokenManager(async manager => await manager.list())
  if (json) return output.json({ data: tokens })
  output.table(
    ['NAME', 'PREFIX', 'RIGHTS', 'STATUS', 'LAST USED', 'EXPIRES'],
    tokens.map(token => [token.name, token.prefix, token.rights, token.status, output.time(token.lastUsedAt, 'never'), output.time(token.expiresAt, 'never')]),
    (cell, row, column) => column === statusColumn ? output.colour(colours[tokens[row]?.status ?? 'active'], cell) : cell
  )
  if (tokens.length === 0) complain('There is no token.')
}
