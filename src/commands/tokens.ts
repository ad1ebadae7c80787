import { Command } from 'commander'
import { examples } from './help.ts'
import { createCommand } from './tokens/create.ts'
import { listCommand } from './tokens/list.ts'
import { revokeCommand } from './tokens/revoke.ts'

/** `latchkey tokens`: who may call the admin API, straight on the database. */
export function tokensCommand (): Command {
  const command = new Command('tokens')
    .description('Manage the tokens of the admin API, straight on the database. Running gateways follow at once.')
    .addHelpText('after', examples(
      ['latchkey tokens create --name deploy --rights write --expires-in 90d', 'make a token for a program that manages keys'],
      ['latchkey tokens list', 'see who may call the admin API'],
      ['latchkey tokens revoke deploy', 'end a token for good']
    ))
  for (const child of [createCommand(), listCommand(), revokeCommand()]) command.addCommand(child)
  return command
}
