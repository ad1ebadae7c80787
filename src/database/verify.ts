import type pg from 'pg'
import { UsageError } from '../errors.ts'
import { columnFault, columnsOf, relationKind } from './adoption.ts'
import { migrationStatus } from './migrate.ts'
import { withSession } from './migration-session.ts'
import { wantedColumns, wantedForeignKeys, wantedIndexes, wantedTriggers } from './wanted-schema.ts'

/** One check of the database and its outcome. */
export interface Verdict {
  /** What was looked at, such as `index idx_api_keys_user_id`. */
  readonly name: string
  readonly ok: boolean
  /** What was found; what to do about it where it isn't ok. */
  readonly detail: string
}

const tables = ['api_keys', 'api_key_usage'] as const
const privateTables = [...tables, 'latchkey.migrations', 'latchkey.usage_batches', 'latchkey.earlier_secrets']

/**
 * Migration 011's verification queries and those of all that came later, with a verdict each. Reads only; also fit for
 * a pooled connection. Errors: only where the database can't be reached or asked.
 */
export async function verifySchema (connectionString: string): Promise<Verdict[]> {
  const migrations = await pendingVerdict(connectionString)
  return await withSession(connectionString, 'latchkey verify', async (client) => {
    const missing = await missingTables(client)
    const tableVerdicts = tables.map((table) => verdict(`table ${table}`, missing.get(table) ?? null))
    // Nothing to ask of tables that aren't there.
    if (missing.size > 0) return [migrations, ...tableVerdicts]
    return [
      migrations,
      ...tableVerdicts,
      ...await columnVerdicts(client),
      ...await indexVerdicts(client),
      ...await foreignKeyVerdicts(client),
      ...await rowSecurityVerdicts(client),
      await visitorsVerdict(client),
      ...await triggerVerdicts(client),
      await visibleRowsVerdict(client),
    ]
  })
}

/** Without a fault it is ok, with `found` as its detail. */
function verdict (name: string, fault: string | null, found = ''): Verdict {
  return { name, ok: fault === null, detail: fault ?? found }
}

async function pendingVerdict (connectionString: string): Promise<Verdict> {
  const name = 'migrations'
  try {
    const pending = (await migrationStatus(connectionString)).filter(({ appliedAt }) => appliedAt === null)
    const versions = pending.map(({ version }) => String(version).padStart(3, '0')).join(', ')
    return verdict(name, pending.length === 0 ? null : `pending: ${versions}. Run: latchkey migrate up`, 'all have run')
  } catch (err) {
    if (!(err instanceof UsageError)) throw err
    return verdict(name, err.message)
  }
}

async function missingTables (client: pg.Client): Promise<Map<string, string>> {
  const missing = new Map<string, string>()
  for (const table of tables) {
    const kind = await relationKind(client, table)
    if (kind === null) missing.set(table, 'is missing')
    else if (kind !== 'r' && kind !== 'p') missing.set(table, 'is not a table')
  }
  return missing
}

async function columnVerdicts (client: pg.Client): Promise<Verdict[]> {
  const found = { api_keys: await columnsOf(client, 'api_keys'), api_key_usage: await columnsOf(client, 'api_key_usage') }
  return wantedColumns.map((wanted) => {
    const column = found[wanted.table].get(wanted.name)
    return verdict(`column ${wanted.table}.${wanted.name}`, columnFault(wanted, column), column?.shown)
  })
}

async function indexVerdicts (client: pg.Client): Promise<Verdict[]> {
  const { rows } = await client.query<{ name: string, table: string, definition: string, is_valid: boolean }>(`
    select c.relname as name, case i.indrelid when to_regclass('api_keys') then 'api_keys' else 'api_key_usage' end as table,
      pg_get_indexdef(i.indexrelid) as definition, i.indisvalid as is_valid
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid in (to_regclass('api_keys'), to_regclass('api_key_usage'))`)
  return wantedIndexes.map(({ table, name, definition }) => {
    const index = rows.find((row) => row.name === name && row.table === table)
    let fault: string | null = null
    if (index === undefined) fault = `is missing on ${table}`
    else if (!index.is_valid) fault = `is invalid. Run: reindex index ${name}`
    else if (!definition.test(index.definition)) fault = `is another one: ${index.definition}`
    return verdict(`index ${name}`, fault, index?.definition)
  })
}

async function foreignKeyVerdicts (client: pg.Client): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const { table, column, refersTo } of wantedForeignKeys) {
    // confdeltype 'c': ON DELETE CASCADE. Names and not regclass, as schema auth may be closed to the role.
    const { rows } = await client.query<{ is_cascade: boolean }>(`
      select f.confdeltype = 'c' as is_cascade
      from pg_constraint as f
      join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
      join pg_class as c on c.oid = f.confrelid
      join pg_namespace as n on n.oid = c.relnamespace
      where f.contype = 'f' and f.conrelid = to_regclass($1) and a.attname = $2 and cardinality(f.conkey) = 1
        and (n.nspname || '.' || c.relname = $3 or (n.nspname <> 'auth' and c.relname = $3))`, [table, column, refersTo])
    const [key] = rows
    let fault: string | null = null
    if (key === undefined) fault = `is missing: it should refer to ${refersTo}`
    else if (!key.is_cascade) fault = 'lacks ON DELETE CASCADE'
    verdicts.push(verdict(`foreign key ${table}.${column}`, fault, `refers to ${refersTo}, on delete cascade`))
  }
  return verdicts
}

async function rowSecurityVerdicts (client: pg.Client): Promise<Verdict[]> {
  const { rows } = await client.query<{ name: string, is_on: boolean }>(`
    select case when n.nspname = 'latchkey' then 'latchkey.' else '' end || c.relname as name, c.relrowsecurity as is_on
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.oid in (to_regclass('api_keys'), to_regclass('api_key_usage')) or (n.nspname = 'latchkey' and c.relkind = 'r')`)
  return privateTables.map((name) => {
    const table = rows.find((row) => row.name === name)
    if (table === undefined) return verdict(`row-level security on ${name}`, 'the table is missing')
    return verdict(`row-level security on ${name}`, table.is_on ? null : `is off. Run: alter table ${name} enable row level security`, 'on')
  })
}

/** Supabase's public API acts as these roles. */
async function visitorsVerdict (client: pg.Client): Promise<Verdict> {
  const { rows } = await client.query<{ grantee: string, name: string }>(`
    select r.rolname as grantee, c.relname as name
    from pg_roles as r
    cross join pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where r.rolname in ('anon', 'authenticated')
      and (c.oid in (to_regclass('api_keys'), to_regclass('api_key_usage')) or (n.nspname = 'latchkey' and c.relkind = 'r'))
      and (has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references'))
    order by 1, 2`)
  const fault = rows.length === 0 ? null : rows.map(({ grantee, name }) => `${grantee} has privileges on ${name}`).join(', ')
  return verdict('privileges of anon and authenticated', fault, 'none')
}

async function triggerVerdicts (client: pg.Client): Promise<Verdict[]> {
  const { rows } = await client.query<{ tgname: string, tgenabled: string }>(
    "select tgname, tgenabled from pg_trigger where tgrelid = to_regclass('api_keys') and not tgisinternal"
  )
  return wantedTriggers.map((name) => {
    const trigger = rows.find(({ tgname }) => tgname === name)
    let fault: string | null = null
    if (trigger === undefined) fault = 'is missing'
    // 'A': always, as migrated; 'O': unless session_replication_role is replica. The rest never fire here.
    else if (!['A', 'O'].includes(trigger.tgenabled)) fault = `is disabled. Run: alter table api_keys enable always trigger ${name}`
    return verdict(`trigger ${name}`, fault, 'enabled')
  })
}

/** With row-level security on and no policy, a role that isn't the owner is told that the tables are empty. */
async function visibleRowsVerdict (client: pg.Client): Promise<Verdict> {
  const { rows } = await client.query<{ role: string, is_hidden: boolean, may_select: boolean }>(`
    select current_user as role,
      row_security_active('api_keys') or row_security_active('api_key_usage') as is_hidden,
      has_table_privilege('api_keys', 'select') and has_table_privilege('api_key_usage', 'select') as may_select`)
  const [role] = rows
  let fault: string | null = null
  if (role?.may_select !== true) fault = `role ${role?.role} may not read the tables. Connect as their owner`
  else if (role.is_hidden) fault = `role ${role.role} sees no rows through row-level security. Connect as the owner of the tables, or grant it BYPASSRLS`
  return verdict('rows visible to this role', fault, `role ${role?.role}`)
}
