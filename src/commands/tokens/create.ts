import { Command, Option } from 'commander'
import type { TokenRights } from '../../tokens/manager.ts'
import { keyName, lifetime } from '../arguments.ts'
import { complain } from '../fault.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withTokenManager } from './token-session.ts'

interface CreateOptions {
  readonly name: string
  readonly rights: TokenRights
  readonly expiresIn?: number
  readonly json?: boolean
}

const allowed = { read: 'read all', write: 'read and change all' } as const satisfies Record<TokenRights, string>

export function createCommand (): Command {
  return new Command('create')
    .description('Make a token of the admin API and print it, this once: only its hash is stored.')
    .requiredOption('--name <name>', 'whose it is: the audit log names it', keyName)
    .addOption(new Option('--rights <rights>', 'what it may do').choices(['read', 'write']).makeOptionMandatory())
    .option('--expires-in <duration>', 'how long it lasts: 30m, 12h, 90d (default: for ever)', lifetime)
    .option('--json', 'print one JSON object: {"token", "adminToken"}')
    .addHelpText('after', examples(
      ['latchkey tokens create --name dashboard --rights read', 'a token that changes nothing'],
      ['latchkey tokens create --name deploy --rights write --expires-in 90d', 'a token that manages keys for 90 days']
    ))
    .action(create)
}

async function create ({ name, rights, expiresIn, json = false }: CreateOptions): Promise<void> {
  const output = new Output()
  const expiresAt = expiresIn === undefined ? null : new Date(Date.now() + expiresIn)
  const { token, adminToken } = await withTokenManager(async manager => await manager.create({ name, rights, expiresAt }))
  if (json) return output.json({ token, adminToken })
  const expiry = adminToken.expiresAt === null ? 'never expires' : `expires on ${adminToken.expiresAt.toISOString()}`
  complain(`Made token ${adminToken.name}, which may ${allowed[adminToken.rights]}; it ${expiry}. Here it is, and it will not be shown again:`)
  output.line(token)
}
