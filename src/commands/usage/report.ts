import { Command } from 'commander'
import { examples } from '../help.ts'
import { errorsCommand } from './report/errors.ts'
import { idleKeysCommand } from './report/idle-keys.ts'
import { trafficCommand } from './report/traffic.ts'
import { unusedScopesCommand } from './report/unused-scopes.ts'

export function reportCommand (): Command {
  const command = new Command('report')
    .description('Count requests, find errors, and keys and scopes that nobody uses. Without a name: traffic.')
    .addHelpText('after', examples(
      ['latchkey usage report --by route --by status --since 24h', 'what the last day was like'],
      ['latchkey usage report errors', 'what fails most'],
      ['latchkey usage report idle-keys --since 90d', 'keys to disable'],
      ['latchkey usage report unused-scopes', 'scopes to take away, with the command that does it']
    ))
  command.addCommand(trafficCommand(), { isDefault: true })
  for (const child of [errorsCommand(), idleKeysCommand(), unusedScopesCommand()]) command.addCommand(child)
  return command
}
