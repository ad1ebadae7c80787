import { Command } from 'commander'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withMigrations } from './migration-session.ts'
import { paddedVersion } from './padded-version.ts'
import { ProgressLines } from './progress-lines.ts'

export function migrateUpCommand (): Command {
  return new Command('up')
    .description('Run all pending migrations, then partition usage by month while gateways go on. Several at once wait for each other; what is interrupted goes on when it is run again.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey migrate up', 'run what is pending'],
      ['DATABASE_URL=postgres://app@db/app latchkey migrate up', 'on a database of your own']
    ))
    .action(up)
}

async function up ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const [{ migrateUp }, { partitionUsage }] = await Promise.all([import('../../database/migrate.ts'), import('../../database/partitioning/index.ts')])
  const progress = new ProgressLines(output)
  const { applied, usage } = await withMigrations(async ({ directUrl, logger }) => {
    const applied = await migrateUp({ connectionString: directUrl, logger })
    if (!json) for (const { version, name } of applied) output.line(`${output.colour('green', 'applied')}  ${paddedVersion(version)}  ${name}`)
    const usage = await partitionUsage({ connectionString: directUrl, onProgress: json ? undefined : (step) => progress.show(step) })
    return { applied, usage }
  })
  if (json) {
    return output.json({
      applied: applied.map(({ version, name }) => ({ version, name })),
      usagePartitioning: { state: usage.state, refusals: usage.refusals },
    })
  }
  output.line(applied.length === 0 ? 'Nothing to do: every migration has run.' : `Done: ${applied.length} applied.`)
  if (usage.refusals.length === 0) return
  // No reason to fail: gateways work with the table as it is, and a deployment that runs this shouldn't stop for it.
  output.line()
  output.line(output.colour('yellow', 'api_key_usage could not be partitioned by month, and was left as it is. Gateways work with it. Mend these and run this again:'))
  for (const reason of usage.refusals) output.line(`  ${reason}`)
}
