import { pendingMigrations } from '../../database/migrate.ts'
import { verifySchema } from '../../database/verify.ts'
import type { DatabaseSession } from '../database-session.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Pending migrations; and tables, triggers and row-level security as the migrations left them, seen by this role. */
export async function checkSchema ({ url, directUrl, isEmbedded }: DatabaseSession): Promise<{ findings: Finding[], isComplete: boolean }> {
  const pending = await pendingMigrations(directUrl)
  if (pending > 0) {
    const detail = `${pending} pending`
    const finding = isEmbedded
      ? warn('Migrations', detail, '`latchkey start` runs them on the embedded database.')
      : fail('Migrations', detail, 'Run: latchkey migrate up')
    return { findings: [finding], isComplete: false }
  }
  // As the gateway's own role, which row-level security may keep from rows that the role of the migrations sees.
  const verdicts = await verifySchema(url)
  const failed = verdicts.filter(verdict => !verdict.ok)
  return {
    findings: [
      ok('Migrations', 'all have run'),
      ...failed.map(({ name, detail }) => fail('Schema', `${name}: ${detail}`, 'Mend it; `latchkey migrate verify` looks again.')),
      ...failed.length > 0 ? [] : [ok('Schema', `as migrated: tables, indexes, triggers, row-level security (${verdicts.length} checks)`)],
    ],
    isComplete: true,
  }
}
