import { Command } from 'commander'
import { examples } from './help.ts'
import { createCommand } from './keys/create.ts'
import { importCommand } from './keys/import.ts'
import { listCommand } from './keys/list.ts'
import { endGraceCommand, rotateCommand } from './keys/rotate.ts'
import { showCommand } from './keys/show.ts'
import { disableCommand, enableCommand, revokeCommand } from './keys/state.ts'
import { updateCommand } from './keys/update.ts'

/** `latchkey keys`: key management straight on the database; running gateways follow within a second. */
export function keysCommand (): Command {
  const command = new Command('keys')
    .description('Manage API keys, straight on the database. Running gateways follow at once.')
    .addHelpText('after', examples(
      ['latchkey keys create --user ada@example.com --name "Reporting" --scope inventory:read --expires-in 90d', 'make a key that lasts 90 days'],
      ['latchkey keys list --status active', 'see the keys in force'],
      ['latchkey keys revoke sk_live_a1B2', 'end a key for good, named by its prefix'],
      ['latchkey keys list --json | jq .data', 'hand the list to a program']
    ))
  for (const child of [
    createCommand(), importCommand(), listCommand(), showCommand(), updateCommand(), rotateCommand(), endGraceCommand(), disableCommand(),
    enableCommand(), revokeCommand(),
  ]) {
    command.addCommand(child)
  }
  return command
}
