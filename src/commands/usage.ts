import { Command } from 'commander'
import { examples } from './help.ts'
import { exportCommand } from './usage/export.ts'
import { reportCommand } from './usage/report.ts'

/** `latchkey usage`: who used what, straight from the database. */
export function usageCommand (): Command {
  const command = new Command('usage')
    .description('See who used what, which keys and scopes nobody uses, and take the rows elsewhere.')
    .addHelpText('after', examples(
      ['latchkey usage report --by user --since 30d', "each user's requests, errors and latency"],
      ['latchkey usage report unused-scopes --since 90d', 'what keys may do and never did'],
      ['latchkey usage export --format csv --since 1d --output usage.csv', 'every request of the last day']
    ))
  for (const child of [reportCommand(), exportCommand()]) command.addCommand(child)
  return command
}
