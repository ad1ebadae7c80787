import type pg from 'pg'
import { UsageError } from '../errors.ts'
import { columnFault, columnsOf, relationKind } from './adoption.ts'
import { type Command, hidesRows } from './hidden-rows.ts'
import { migrationStatus } from './migrate.ts'
import { withSession } from './migration-session.ts'
import { type Verdict, verdict } from './verdict.ts'
import { partitionVerdicts } from './verify-partitions.ts'
import { triggerVerdicts } from './verify-triggers.ts'
import { wantedColumns, wantedForeignKeys, wantedIndexes } from './wanted-schema.ts'

export type { Verdict }

const tables = ['api_keys', 'api_key_usage'] as const
const privateTables = [
  ...tables, 'latchkey.migrations', 'latchkey.usage_batches', 'latchkey.earlier_secrets', 'latchkey.installation',
  'latchkey.usage_hourly', 'latchkey.usage_daily', 'latchkey.usage_rollup', 'latchkey.usage_partitioning', 'latchkey.usage_changes',
  'latchkey.audit', 'latchkey.admin_tokens', 'latchkey.idempotent_requests',
]

/** What row-level security must let the gateway's role do on every row. */
const usedCommands: readonly (readonly [table: string, command: Command])[] = [
  ['api_keys', 'SELECT'], ['api_keys', 'UPDATE'], ['api_key_usage', 'SELECT'], ['api_key_usage', 'INSERT'],
  ['usage_batches', 'SELECT'], ['usage_batches', 'INSERT'], ['usage_batches', 'UPDATE'], ['usage_batches', 'DELETE'], ['installation', 'SELECT'],
  ['earlier_secrets', 'SELECT'], ['earlier_secrets', 'UPDATE'],
  ...['usage_hourly', 'usage_daily'].flatMap((table) => [[table, 'SELECT'], [table, 'INSERT'], [table, 'UPDATE']] as const),
  ['usage_rollup', 'SELECT'], ['usage_rollup', 'UPDATE'],
]
const usedCommandNames = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const

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
      ...await insertableVerdicts(client),
      await visitorsVerdict(client),
      ...await triggerVerdicts(client),
      await visibleRowsVerdict(client),
      ...await partitionVerdicts(client),
    ]
  })
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

async function missingTables (client: pg.ClientBase): Promise<Map<string, string>> {
  const missing = new Map<string, string>()
  for (const table of tables) {
    const kind = await relationKind(client, table)
    if (kind === null) missing.set(table, 'is missing')
    else if (kind !== 'r' && kind !== 'p') missing.set(table, 'is not a table')
  }
  return missing
}

async function columnVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
  const found = { api_keys: await columnsOf(client, 'api_keys'), api_key_usage: await columnsOf(client, 'api_key_usage') }
  return wantedColumns.map((wanted) => {
    const column = found[wanted.table].get(wanted.name)
    return verdict(`column ${wanted.table}.${wanted.name}`, columnFault(wanted, column), column?.shown)
  })
}

export async function indexVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
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

async function foreignKeyVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
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

async function rowSecurityVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
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
async function visitorsVerdict (client: pg.ClientBase): Promise<Verdict> {
  const { rows } = await client.query<{ grantee: string, name: string }>(`
    select r.rolname as grantee, c.relname as name
    from pg_roles as r
    cross join pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where r.rolname in ('anon', 'authenticated')
      and (c.oid in (to_regclass('api_keys'), to_regclass('api_key_usage')) or (n.nspname = 'latchkey' and c.relkind in ('r', 'p')))
      and (has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references'))
    order by 1, 2`)
  const fault = rows.length === 0 ? null : rows.map(({ grantee, name }) => `${grantee} has privileges on ${name}`).join(', ')
  return verdict('privileges of anon and authenticated', fault, 'none')
}

/** Rows that row-level security hides look like rows that don't exist: every key would be unknown. */
export async function visibleRowsVerdict (client: pg.ClientBase): Promise<Verdict> {
  const { rows } = await client.query<{ role: string, hidden: string[] }>(`
    select current_user::text as role, array(
      select string_agg(command, ', ' order by command) || ' on ' || n.nspname || '.' || c.relname
      from (values ${usedCommands.map(([table, command]) => `('${table}', '${command}')`).join(', ')}) as used (name, command)
      join pg_class as c on c.relkind in ('r', 'p') and c.relname = used.name
      join pg_namespace as n on n.oid = c.relnamespace and (n.nspname = 'latchkey' or c.oid = to_regclass(used.name))
      where case command ${usedCommandNames.map((command) => `when '${command}' then ${hidesRows('c.oid', command)}`).join(' ')} end
      group by n.nspname, c.relname order by n.nspname desc, c.relname
    ) as hidden`)
  const { role = '', hidden = [] } = rows[0] ?? {}
  const fault = hidden.length === 0
    ? null
    : `row-level security keeps role ${role} from rows: ${hidden.join(', ')}. Connect as the owner of the tables, or: alter role "${role}" bypassrls`
  return verdict('rows visible to this role', fault, `role ${role}`)
}

/** What the gateway doesn't know of, it can't fill in. */
async function insertableVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
  const { rows } = await client.query<{ table: string, column: string }>(`
    select c.relname as table, a.attname as column
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid
    where c.oid in (to_regclass('api_keys'), to_regclass('api_key_usage'))
      and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = ''
    order by a.attnum`)
  return tables.map((table) => {
    const unfilled = rows.filter((row) => row.table === table && !isFilled(table, row.column)).map(({ column }) => column)
    const fault = unfilled.length === 0 ? null : `are refused for want of ${unfilled.join(', ')}: give it a default, or allow null`
    return verdict(`new rows of ${table}`, fault, 'every column is filled in or may be left out')
  })
}

function isFilled (table: string, column: string): boolean {
  return !['id', 'last_used_at', 'revoked_at'].includes(column) && wantedColumns.some((wanted) => wanted.table === table && wanted.name === column)
}
