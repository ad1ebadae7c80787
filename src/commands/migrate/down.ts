import { Command } from 'commander'
import { wholeNumber } from '../arguments.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withMigrations } from './migration-session.ts'
import { paddedVersion } from './padded-version.ts'

export function migrateDownCommand (): Command {
  return new Command('down')
    .description('Undo migrations, the latest first. Tables that hold keys, and counts of usage whose rows are gone, are dropped only when you say so. Below 022 the audit log goes, below 021 the admin API\'s tokens and the metadata of keys.')
    .option('--to <version>', 'the last migration to keep; 0 undoes all (default: undo one)', wholeNumber(0, 9_999))
    .option('--drop-keys-and-usage', 'agree to lose what the migrations made: every key and all usage, or counts of usage whose rows are gone')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey migrate down', 'undo the latest migration'],
      ['latchkey migrate down --to 11', 'go back to the tables of migration 011'],
      ['latchkey migrate down --to 0 --drop-keys-and-usage', 'remove everything']
    ))
    .action(down)
}

async function down ({ to, dropKeysAndUsage = false, json = false }: { to?: number, dropKeysAndUsage?: boolean, json?: boolean }): Promise<void> {
  const output = new Output()
  const { migrateDown } = await import('../../database/migrate.ts')
  const undone = await withMigrations(async ({ directUrl }) => await migrateDown({ connectionString: directUrl, to, dropKeysAndUsage }))
  if (json) return output.json({ undone: undone.map(({ version, name }) => ({ version, name })) })
  for (const { version, name } of undone) output.line(`${output.colour('yellow', 'undone')}  ${paddedVersion(version)}  ${name}`)
  output.line(undone.length === 0 ? 'Nothing to do.' : `Done: ${undone.length} undone.`)
}
