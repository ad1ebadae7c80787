/** As pg_policy.polcmd has them. */
export type Command = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'

const policyCommands = { SELECT: 'r', INSERT: 'a', UPDATE: 'w', DELETE: 'd' } as const satisfies Record<Command, string>

/**
 * SQL: whether row-level security may keep rows of a table from the role that asks, which then takes them for missing.
 * It may where it applies to that role (not to a superuser, a role with BYPASSRLS or, unless forced, the owner), but
 * for a policy that allows the command on every row, `using (true)`, with none beside it that restricts. `table` is
 * SQL for the table's oid.
 */
export function hidesRows (table: string, command: Command = 'SELECT'): string {
  const condition = "pg_catalog.pg_get_expr(case p.polcmd when 'a' then p.polwithcheck else p.polqual end, p.polrelid)"
  return `case when pg_catalog.row_security_active(${table}) then (
    select pg_catalog.count(*) filter (where p.polpermissive and ${condition} = 'true') = 0
      or pg_catalog.count(*) filter (where not p.polpermissive and ${condition} is distinct from 'true') > 0
    from pg_catalog.pg_policy as p
    where p.polrelid = ${table} and p.polcmd in ('*', '${policyCommands[command]}')
      and (0 = any (p.polroles) or exists (
        select from pg_catalog.unnest(p.polroles) as r (id) where r.id <> 0 and pg_catalog.pg_has_role(r.id, 'USAGE')))
  ) else false end`
}

/** Nothing can be said of a row that wasn't found: it may be one that this role isn't shown. */
export class RowsHiddenError extends Error {
  override readonly name = 'RowsHiddenError'

  constructor (table: string) {
    super(`Row-level security hides rows of ${table} from the role in DATABASE_URL. Connect as the owner of the tables, or grant the role BYPASSRLS`)
  }
}
