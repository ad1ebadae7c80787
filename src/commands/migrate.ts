import { Command } from 'commander'
import { migrateDownCommand } from './migrate/down.ts'
import { examples } from './help.ts'
import { migrateStatusCommand } from './migrate/status.ts'
import { migrateUpCommand } from './migrate/up.ts'
import { migrateVerifyCommand } from './migrate/verify.ts'

/** `latchkey migrate`: the numbered migrations, under an advisory lock. */
export function migrateCommand (): Command {
  const command = new Command('migrate')
    .description('Run, undo and check the migrations of the database. They use DATABASE_DIRECT_URL where it is set.')
    .addHelpText('after', examples(
      ['latchkey migrate status', 'see what has run and what is pending'],
      ['latchkey migrate up', 'run what is pending'],
      ['latchkey migrate verify', 'check tables, columns, indexes and constraints']
    ))
  for (const child of [migrateUpCommand(), migrateDownCommand(), migrateStatusCommand(), migrateVerifyCommand()]) {
    command.addCommand(child)
  }
  return command
}
