import { Command } from 'commander'
import { checkCommand } from './config/check.ts'
import { explainCommand } from './config/explain.ts'
import { schemaCommand } from './config/schema.ts'
import { examples } from './help.ts'

/** `latchkey config`: what a configuration file says, without starting anything. */
export function configCommand (): Command {
  const command = new Command('config')
    .description('Check a configuration file, and ask what it would do to a request.')
    .addHelpText('after', examples(
      ['latchkey config check', 'list every fault of the file, with line and column'],
      ['latchkey config explain --method GET --path /inventory/42 --scopes inventory:read', 'see what would happen to a request'],
      ['latchkey config schema > gateway.schema.json', 'let an editor complete the file']
    ))
  for (const child of [checkCommand(), explainCommand(), schemaCommand()]) command.addCommand(child)
  return command
}
