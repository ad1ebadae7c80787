import { pendingMigrations } from '../../database/migrate.ts'
import { verifySchema } from '../../database/verify.ts'
import { partitionedByMonth } from '../../database/verify-partitions.ts'
import type { DatabaseSession } from '../database-session.ts'
import { UsageError } from '../../errors.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Pending migrations; and tables, triggers and row-level security as the migrations left them, seen by this role. */
export async function checkSchema (session: DatabaseSession): Promise<{ findings: Finding[], isComplete: boolean }> {
  const migrations = await checkMigrations(session)
  if (migrations.isPending) return { findings: [migrations.finding], isComplete: false }
  // As the gateway's own role, which row-level security may keep from rows that the role of the migrations sees.
  const verdicts = (await verifySchema(session.url)).filter(({ name }) => name !== 'migrations' && name !== partitionedByMonth)
  const failed = verdicts.filter(verdict => !verdict.ok)
  const findings = failed.length > 0
    ? failed.map(({ name, detail }) => fail('Schema', `${name}: ${detail}`, 'Mend it; `latchkey migrate verify` looks again.'))
    : [ok('Schema', `as migrated: tables, indexes, triggers, row-level security (${verdicts.length} checks)`)]
  return { findings: [migrations.finding, ...findings], isComplete: true }
}

async function checkMigrations ({ directUrl, isEmbedded }: DatabaseSession): Promise<{ finding: Finding, isPending: boolean }> {
  try {
    const pending = await pendingMigrations(directUrl)
    if (pending === 0) return { finding: ok('Migrations', 'all have run'), isPending: false }
    const finding = isEmbedded
      ? warn('Migrations', `${pending} pending`, '`latchkey start` runs them on the embedded database.')
      : fail('Migrations', `${pending} pending`, 'Run: latchkey migrate up')
    return { finding, isPending: true }
  } catch (err) {
    // The role isn't let see them; what else it isn't let see is worth saying, too.
    if (!(err instanceof UsageError)) throw err
    return { finding: fail('Migrations', err.message, 'Set DATABASE_DIRECT_URL to a connection as that role, or connect as it altogether.'), isPending: false }
  }
}
