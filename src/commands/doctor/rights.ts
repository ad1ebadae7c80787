import type pg from 'pg'
import { fail, ok } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the gateway does with each table; usage is written and, for reports, read. */
const neededRights: readonly (readonly [table: string, rights: readonly string[]])[] = [
  ['public.api_keys', ['SELECT', 'INSERT', 'UPDATE']],
  ['public.api_key_usage', ['SELECT', 'INSERT']],
  ['latchkey.usage_batches', ['SELECT', 'INSERT', 'DELETE']],
  ['latchkey.earlier_secrets', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
]

/** Whether the role of DATABASE_URL may do what the gateway does. */
export async function checkRights (pool: pg.Pool): Promise<Finding[]> {
  const { rows: [row] } = await pool.query<{ role: string, grants: string[] }>(`
    select current_user::text as role, array(
      select 'USAGE ON SCHEMA latchkey' where not has_schema_privilege('latchkey', 'USAGE')
      union all
      select string_agg(wanted, ', ' order by wanted) || ' ON ' || n.nspname || '.' || c.relname
      from unnest($1::text[], $2::text[]) as needed (relation, wanted)
      join pg_class as c on c.relname = split_part(needed.relation, '.', 2)
      join pg_namespace as n on n.oid = c.relnamespace and n.nspname = split_part(needed.relation, '.', 1)
      where not has_table_privilege(c.oid, wanted)
      group by n.nspname, c.relname
    ) as grants`, [
    neededRights.flatMap(([table, rights]) => rights.map(() => table)),
    neededRights.flatMap(([, rights]) => rights),
  ])
  const { role = '', grants = [] } = row ?? {}
  if (grants.length === 0) return [ok('Rights', `${role} may read and write what the gateway needs`)]
  return [fail('Rights', `${role} lacks ${grants.join('; ')}`, grants.map(grant => `GRANT ${grant} TO "${role}";`).join(' '))]
}
