import type pg from 'pg'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the gateway does with each table; usage is written and, for reports, read. */
const neededRights: readonly (readonly [table: string, rights: readonly string[]])[] = [
  ['public.api_keys', ['SELECT', 'INSERT', 'UPDATE']],
  ['public.api_key_usage', ['SELECT', 'INSERT']],
  ['latchkey.usage_batches', ['SELECT', 'INSERT', 'DELETE']],
  ['latchkey.earlier_secrets', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
]

/** Whether the role may do what the gateway does, and sees the rows at all. */
export async function checkRights (pool: pg.Pool): Promise<Finding[]> {
  const { rows: [role] } = await pool.query<{ name: string }>('select current_user::text as name')
  const name = role?.name ?? ''
  const findings: Finding[] = []
  for (const [table, rights] of neededRights) {
    const { schema_missing: isSchemaClosed, missing, is_hidden: isHidden } = await rightsOf(pool, table, rights)
    if (isSchemaClosed || missing.length > 0) {
      const grants = [...isSchemaClosed ? ['USAGE ON SCHEMA latchkey'] : [], ...missing.length > 0 ? [`${missing.join(', ')} ON ${table}`] : []]
      findings.push(fail('Rights', `${name} lacks ${grants.join(' and ')}`, grants.map(grant => `GRANT ${grant} TO "${name}";`).join(' ')))
    }
    if (isHidden === true) {
      findings.push(fail('Row-level security', `it hides the rows of ${table} from ${name}: every key looks unknown`, `Connect as the owner of the tables, or: ALTER ROLE "${name}" BYPASSRLS;`))
    }
    if (isHidden === 'policies') {
      findings.push(warn('Row-level security', `policies decide which rows of ${table} ${name} sees`, `Connect as the owner of the tables, or: ALTER ROLE "${name}" BYPASSRLS;`))
    }
  }
  return findings.length > 0 ? findings : [ok('Rights', `${name} may read and write what the gateway needs, and sees every row`)]
}

interface TableRights {
  readonly schema_missing: boolean
  readonly missing: readonly string[]
  readonly is_hidden: boolean | 'policies'
}

async function rightsOf (pool: pg.Pool, table: string, rights: readonly string[]): Promise<TableRights> {
  const [schema = null] = table.includes('.') ? table.split('.') : []
  if (schema !== null) {
    const { rows: [row] } = await pool.query<{ may: boolean }>('select has_schema_privilege($1, \'USAGE\') as may', [schema])
    if (row?.may !== true) return { schema_missing: true, missing: [], is_hidden: false }
  }
  const { rows: [row] } = await pool.query<{ missing: string[], is_active: boolean, policies: number }>(`
    select coalesce(array(select wanted from unnest($2::text[]) as wanted where not has_table_privilege($1::regclass, wanted)), '{}') as missing,
           row_security_active($1::regclass) as is_active,
           (select count(*)::integer from pg_policy where polrelid = $1::regclass) as policies`, [table, rights])
  if (row === undefined) return { schema_missing: false, missing: [], is_hidden: false }
  return { schema_missing: false, missing: row.missing, is_hidden: row.is_active && (row.policies === 0 || 'policies') }
}
