import type pg from 'pg'
import { usageTable } from './definitions.ts'

/**
 * Where the partitioned table grows up. Not under its final name: whose search path begins with our schema, as that of
 * a role named latchkey does, would find it too early.
 */
export const newTable = 'latchkey.api_key_usage_partitioned'

const monthsAhead = 3

/** The columns that hold what was written, quoted and in order; those that are generated follow from them. */
export async function storedColumns (client: pg.ClientBase): Promise<string> {
  const { rows: [row] } = await client.query<{ columns: string }>(`
    select pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' order by attnum) as columns
    from pg_catalog.pg_attribute
    where attrelid = '${usageTable}'::pg_catalog.regclass and attnum > 0 and not attisdropped and attgenerated = ''`)
  return row?.columns ?? ''
}

/** To be continued with WHERE. */
export function copySql (columns: string): string {
  return `insert into ${newTable} (${columns}) select ${columns} from ${usageTable}`
}

/**
 * For the transaction: what the planner believes of a table that was analysed long ago, or never, must not make it read
 * or sort all of it for the few rows of each step.
 */
export async function preferIndexes (client: pg.ClientBase): Promise<void> {
  await client.query('set local enable_seqscan = off; set local enable_bitmapscan = off')
}

/**
 * Makes the table with its default partition and those from this month on. No indexes and no foreign keys yet: rows
 * are copied faster without, and it never waits for a key that somebody holds locked.
 */
export async function createNewTable (client: pg.ClientBase): Promise<void> {
  await client.query(`
    create table ${newTable} (like ${usageTable} including all excluding indexes excluding identity)
      partition by range (created_at)`)
  await client.query(`alter table ${newTable} alter column id type bigint`)
  await client.query(`select latchkey.close_usage_partition('${newTable}', '${usageTable}')`)
  await client.query(`
    create table latchkey.api_key_usage_default (like ${newTable} including all excluding defaults excluding identity excluding statistics)`)
  await client.query(`select latchkey.close_usage_partition('latchkey.api_key_usage_default', '${newTable}')`)
  await client.query(`alter table ${newTable} attach partition latchkey.api_key_usage_default default`)
  await client.query(`
    select latchkey.add_usage_partition('${newTable}', month)
    from (
      select pg_catalog.date_trunc('month', pg_catalog.now() at time zone 'UTC') + n * interval '1 month' as month_utc
      from pg_catalog.generate_series(0, ${monthsAhead}) as n
    ) as months
    cross join lateral (select month_utc at time zone 'UTC') as utc (month)`)
}

/** Null where what was read of the plain table at the beginning is still true of it; else what has changed. */
export async function differenceFromPlain (client: pg.ClientBase): Promise<string | null> {
  const { rows } = await client.query<{ name: string }>(`
    with parts as (
      select a.attrelid as oid, a.attname::text as name, pg_catalog.concat_ws(' ', case when a.attname <> 'id' then pg_catalog.format_type(a.atttypid, a.atttypmod) end,
        a.attcollation, a.attnotnull, a.attgenerated, pg_catalog.pg_get_expr(d.adbin, d.adrelid)) as definition
      from pg_catalog.pg_attribute as a
      left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attnum > 0 and not a.attisdropped
      union all
      select conrelid, conname, pg_catalog.pg_get_constraintdef(oid) from pg_catalog.pg_constraint where contype = 'c'
    )
    select coalesce(o.name, n.name) as name
    from (select * from parts where oid = '${usageTable}'::pg_catalog.regclass) as o
    full join (select * from parts where oid = '${newTable}'::pg_catalog.regclass) as n on n.name = o.name
    where o.definition is distinct from n.definition
    order by 1 limit 1`)
  return rows[0]?.name ?? null
}

/** Partitions, the default one last. */
export async function partitionsOf (client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`select p.partition::text as name from latchkey.usage_partitions('${newTable}') as p order by p.lower_bound nulls last`)
  return rows.map(({ name }) => name)
}
