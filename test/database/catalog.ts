import type pg from 'pg'

/**
 * Everything that migrations make in a database, as text that can be compared: relations with their owners, rights and
 * row-level security; columns, constraints, indexes, triggers, functions and comments. Object ids are left out, as
 * they differ each time.
 */
export async function catalogOf (pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(`
    with ours as (
      select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
    ), relations as (
      select c.*, format('%I.%I', n.nspname, c.relname) as name from pg_class as c join ours as n on n.oid = c.relnamespace
    )
    select format('schema %s: %s', nspname, obj_description(oid, 'pg_namespace')) as line from ours
    union all
    select format('relation %s %s owner %s acl %s rls %s %s: %s', relkind, name, relowner::regrole, relacl, relrowsecurity,
      relforcerowsecurity, obj_description(oid, 'pg_class')) from relations
    union all
    select format('column %s.%I %s not null %s identity %s default %s: %s', r.name, a.attname, format_type(a.atttypid, a.atttypmod),
      a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
    from relations as r
    join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
    union all
    select format('constraint %s %I %s', r.name, k.conname, pg_get_constraintdef(k.oid))
    from relations as r join pg_constraint as k on k.conrelid = r.oid
    union all
    select format('index %s', pg_get_indexdef(oid)) from relations where relkind = 'i'
    union all
    select format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
    from relations as r join pg_trigger as t on t.tgrelid = r.oid and not t.tgisinternal
    union all
    select pg_get_functiondef(p.oid) from pg_proc as p join ours as n on n.oid = p.pronamespace
    order by 1`)
  return rows.map(({ line }) => line)
}
