import { Command } from 'commander'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withMigrations } from './migration-session.ts'
import { paddedVersion } from './padded-version.ts'

export function migrateStatusCommand (): Command {
  return new Command('status')
    .description('Show which migrations have run and which are pending.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey migrate status', 'see it as a table'],
      ['latchkey migrate status --json | jq .pending', 'count what is pending']
    ))
    .action(status)
}

async function status ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const { migrationStatus } = await import('../../database/migrate.ts')
  const migrations = await withMigrations(async ({ directUrl }) => await migrationStatus(directUrl))
  const pending = migrations.filter(({ appliedAt }) => appliedAt === null).length
  if (json) return output.json({ pending, migrations })
  output.table(
    ['VERSION', 'NAME', 'APPLIED'],
    migrations.map(({ version, name, appliedAt }) => [paddedVersion(version), name, output.time(appliedAt, 'pending')]),
    (cell, row, column) => column === 2 ? output.colour(migrations[row]?.appliedAt === null ? 'yellow' : 'green', cell) : cell
  )
  output.line()
  output.line(pending === 0 ? 'Nothing is pending.' : `${pending} pending. Run: latchkey migrate up`)
}
