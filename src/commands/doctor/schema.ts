import type pg from 'pg'
import { pendingMigrations } from '../../database/migrate.ts'
import { verifySchema } from '../../database/verify.ts'
import type { DatabaseSession } from '../database-session.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Pending migrations, and whether the tables are as the migrations left them. */
export async function checkSchema ({ directUrl, isEmbedded, pool }: DatabaseSession): Promise<{ findings: Finding[], isComplete: boolean }> {
  const pending = await pendingMigrations(directUrl)
  if (pending > 0) {
    const detail = `${pending} pending`
    const finding = isEmbedded
      ? warn('Migrations', detail, '`latchkey start` runs them on the embedded database.')
      : fail('Migrations', detail, 'Run: latchkey migrate up')
    return { findings: [finding], isComplete: false }
  }
  const failed = (await verifySchema(directUrl)).filter(check => !check.ok)
  return {
    findings: [
      ok('Migrations', 'all have run'),
      ...failed.map(({ name, detail }) => fail('Schema', detail === '' ? name : `${name}: ${detail}`, 'Put it back as the migration made it, or restore from a backup.')),
      await checkTriggers(pool),
    ],
    isComplete: true,
  }
}

async function checkTriggers (pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query<{ name: string }>(`
    select tgname::text as name from pg_trigger
    where tgrelid = 'public.api_keys'::regclass and not tgisinternal and tgname like 'latchkey\\_%' and tgenabled not in ('O', 'A')
    order by tgname`)
  if (rows.length === 0) return ok('Triggers', 'enabled')
  return fail('Triggers', `disabled: ${rows.map(({ name }) => name).join(', ')}; changed keys go unnoticed`, rows.map(({ name }) => `ALTER TABLE api_keys ENABLE ALWAYS TRIGGER ${name};`).join(' '))
}
