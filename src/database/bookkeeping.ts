import type pg from 'pg'
import { UsageError } from '../errors.ts'
import { inTransaction } from './migration-session.ts'

/** A migration that was run or undone. */
export interface Applied { readonly version: number, readonly name: string }

export interface MigrationStatus extends Applied {
  /** null: pending. */
  readonly appliedAt: Date | null
}

/** What has run here, in order; nothing where no migration ever ran. */
export async function appliedMigrations (client: pg.Client): Promise<MigrationStatus[]> {
  if (!await hasBookkeeping(client)) return []
  await refuseBlindRole(client)
  const { rows } = await client.query<MigrationStatus>(
    'select version::int, name, run_at as "appliedAt" from latchkey.migrations where version > 0 order by version'
  )
  return rows
}

/** The latest migration that has run here; 0: none. */
export async function databaseVersion (client: pg.Client): Promise<number> {
  return (await appliedMigrations(client)).at(-1)?.version ?? 0
}

/** A role without rights would get an error, and one that row-level security applies to would see no migration at all. */
async function refuseBlindRole (client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ role: string, may_read: boolean }>(`
    select current_user as role, has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
      and not row_security_active(c.oid) as may_read
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'latchkey' and c.relname = 'migrations'`)
  const [role] = rows
  if (role?.may_read === true) return
  throw new UsageError(`Role ${role?.role} can't see which migrations have run. Connect as the role that ran them.`)
}

/** The catalog and not to_regclass, which raises an error for a role without USAGE on the schema. */
async function hasBookkeeping (client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = 'latchkey' and c.relname = 'migrations'"
  )
  return rowCount === 1
}

/** As postgrator itself would make it, had it been given the right to: it doesn't look whether the schema exists. */
export async function createBookkeeping (client: pg.Client): Promise<void> {
  if (await hasBookkeeping(client)) return
  await inTransaction(client, async () => {
    const { rowCount } = await client.query("select from pg_namespace where nspname = 'latchkey'")
    if (rowCount === 0) await client.query('create schema latchkey')
    await client.query('create table latchkey.migrations (version bigint primary key, name text, md5 text, run_at timestamp with time zone)')
  })
}

/** The schema goes only when nobody put anything else into it. */
export async function dropBookkeeping (client: pg.Client): Promise<void> {
  await client.query('drop table latchkey.migrations')
  await client.query(`
    do $$ begin
      drop schema latchkey;
    exception when dependent_objects_still_exist then
      null;
    end $$`)
}
