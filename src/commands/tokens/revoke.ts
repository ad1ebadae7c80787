import { Command } from 'commander'
import { tokenReference } from '../arguments.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withTokenManager } from './token-session.ts'

export function revokeCommand (): Command {
  return new Command('revoke')
    .description('End a token of the admin API for good. It cannot be undone.')
    .argument('<name|prefix>', 'the token', tokenReference)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey tokens revoke deploy', 'by its name'],
      ['latchkey tokens revoke latchkey_admin_a1B2 --json', 'by its prefix, for a program']
    ))
    .action(revoke)
}

async function revoke (reference: string, { json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const token = await withTokenManager(async manager => await manager.revoke(reference))
  if (json) output.json(token)
  else output.line(`Revoked ${token.name} (${token.prefix}) for good${token.revokedAt === null ? '' : `, as of ${token.revokedAt.toISOString()}`}. Gateways refuse it from now on.`)
}
