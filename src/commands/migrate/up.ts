import { Command } from 'commander'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withMigrations } from './migration-session.ts'
import { paddedVersion } from './padded-version.ts'

export function migrateUpCommand (): Command {
  return new Command('up')
    .description('Run all pending migrations. Several at once wait for each other.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey migrate up', 'run what is pending'],
      ['DATABASE_URL=postgres://app@db/app latchkey migrate up', 'on a database of your own']
    ))
    .action(up)
}

async function up ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const { migrateUp } = await import('../../database/migrate.ts')
  const applied = await withMigrations(async ({ directUrl, logger }) => await migrateUp({ connectionString: directUrl, logger }))
  if (json) return output.json({ applied: applied.map(({ version, name }) => ({ version, name })) })
  for (const { version, name } of applied) output.line(`${output.colour('green', 'applied')}  ${paddedVersion(version)}  ${name}`)
  output.line(applied.length === 0 ? 'Nothing to do: every migration has run.' : `Done: ${applied.length} applied.`)
}
