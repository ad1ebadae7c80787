/**
 * SQL: whether row-level security may keep rows of a table from the role that asks, which then takes them for missing.
 * It may where it applies to that role (not to a superuser, a role with BYPASSRLS or, unless forced, the owner), but
 * for a policy that shows every row, `using (true)`, with none beside it that restricts. `commands` is a list of
 * pg_policy.polcmd: 'r' for SELECT, 'w' for UPDATE, '*' for all.
 */
export function hidesRows (table: string, commands = "'r', '*'"): string {
  return `case when pg_catalog.row_security_active('${table}') then (
    select pg_catalog.count(*) filter (where p.polpermissive and pg_catalog.pg_get_expr(p.polqual, p.polrelid) = 'true') = 0
      or pg_catalog.count(*) filter (where not p.polpermissive and pg_catalog.pg_get_expr(p.polqual, p.polrelid) is distinct from 'true') > 0
    from pg_catalog.pg_policy as p
    where p.polrelid = '${table}'::regclass and p.polcmd in (${commands})
      and (0 = any (p.polroles) or exists (
        select from pg_catalog.unnest(p.polroles) as r (id) where pg_catalog.pg_has_role(r.id, 'USAGE')))
  ) else false end`
}

/** Nothing can be said of a row that wasn't found: it may be one that this role isn't shown. */
export class RowsHiddenError extends Error {
  override readonly name = 'RowsHiddenError'

  constructor (table: string) {
    super(`Row-level security hides rows of ${table} from the role in DATABASE_URL. Connect as the owner of the tables, or grant the role BYPASSRLS`)
  }
}
