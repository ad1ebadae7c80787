import { Command } from 'commander'
import type { UsagePartitioning } from '../../database/partitioning/index.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withMigrations } from './migration-session.ts'
import { paddedVersion } from './padded-version.ts'

export function migrateStatusCommand (): Command {
  return new Command('status')
    .description('Show which migrations have run and which are pending, and whether usage is partitioned by month.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey migrate status', 'see it as a table'],
      ['latchkey migrate status --json | jq .pending', 'count what is pending']
    ))
    .action(status)
}

async function status ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const [{ migrationStatus }, { partitioningStatus }] = await Promise.all([import('../../database/migrate.ts'), import('../../database/partitioning/index.ts')])
  const { migrations, usage } = await withMigrations(async ({ directUrl }) => ({ migrations: await migrationStatus(directUrl), usage: await partitioningStatus(directUrl) }))
  const pending = migrations.filter(({ appliedAt }) => appliedAt === null).length
  if (json) return output.json({ pending, migrations, usagePartitioning: usage })
  output.table(
    ['VERSION', 'NAME', 'APPLIED'],
    migrations.map(({ version, name, appliedAt }) => [paddedVersion(version), name, output.time(appliedAt, 'pending')]),
    (cell, row, column) => column === 2 ? output.colour(migrations[row]?.appliedAt === null ? 'yellow' : 'green', cell) : cell
  )
  output.line()
  output.line(pending === 0 ? 'Nothing is pending.' : `${pending} pending. Run: latchkey migrate up`)
  const words = usageWords(usage)
  if (words !== null) output.line(words)
}

/** Null while the migration that brings partitions is pending. */
function usageWords ({ state, phase, rowsCopied, rowsTotal, partitions }: UsagePartitioning): string | null {
  if (state === 'unavailable') return null
  if (state === 'foreign') return 'api_key_usage is partitioned by its owner, and left alone.'
  if (state === 'partitioned') return `api_key_usage is partitioned by month: ${partitions} partitions, the one for all else included.`
  if (state === 'plain') return 'api_key_usage is not partitioned by month yet. Run: latchkey migrate up'
  const copied = phase === 'copying' ? ` ${rowsCopied} of about ${Math.max(rowsTotal, rowsCopied)} rows are copied.` : ''
  return `api_key_usage is being partitioned by month (${phase ?? state}).${copied} Unless that goes on right now, run: latchkey migrate up`
}
