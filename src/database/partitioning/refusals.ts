import type pg from 'pg'
import { noteTriggerPrefix, usageTable } from './definitions.ts'

/** Why api_key_usage can't become a partitioned table as it stands. Nothing was changed. */
export class PartitioningRefusedError extends Error {
  override readonly name = 'PartitioningRefusedError'
  readonly reasons: readonly string[]

  constructor (reasons: readonly string[], options?: ErrorOptions) {
    super(['api_key_usage cannot be partitioned by month as it stands. It was left as it is, and gateways work with it. Mend these and run: latchkey migrate up', ...reasons.map((reason) => `  ${reason}`)].join('\n'), options)
    this.reasons = reasons
  }
}

/**
 * What depends on the table itself and could not follow to another one, or what a partitioned table can't have; a line
 * each, with what to do. The search path must be pg_catalog alone.
 */
export async function partitioningRefusals (client: pg.ClientBase): Promise<string[]> {
  const reasons: string[] = []
  for (const sql of refusalSql) {
    const { rows } = await client.query<{ reason: string }>(sql)
    reasons.push(...rows.map(({ reason }) => reason))
  }
  return reasons
}

const table = `'${usageTable}'::regclass`
const makeAgain = 'drop it, and make it again afterwards'

/** Each gives a column `reason`, and no row where all is well. */
const refusalSql = [
  // Another owner's table can be altered, but what takes its place could not be given to that owner.
  `select format('it belongs to %s, and not to %s: run this as %1$s', relowner::regrole, quote_ident(current_user)) as reason
   from pg_class
   where oid = ${table} and not (select rolsuper or oid = relowner from pg_roles where rolname = current_user)`,

  // Rows that can't be seen would be lost.
  `select 'row-level security hides rows of it from its owner: alter table ${usageTable} no force row level security' as reason
   where row_security_active(${table})`,

  `select 'it is unlogged: alter table ${usageTable} set logged' as reason from pg_class where oid = ${table} and relpersistence <> 'p'`,

  `select format('%s is its %s, and a partitioned table can''t have one: alter table ... no inherit', other::regclass, what) as reason
   from (
     select inhparent as other, 'parent' as what from pg_inherits where inhrelid = ${table}
     union all select inhrelid, 'child' from pg_inherits where inhparent = ${table}
   ) as relatives`,

  `select format('it is a table of type %s: alter table ${usageTable} not of', reloftype::regtype) as reason from pg_class where oid = ${table} and reloftype <> 0`,

  // Without it, a row that is changed while it is copied could not be told from another.
  `select 'its column id ' || fault as reason
   from (
     select case
       when not a.attnotnull then 'allows null: alter table ${usageTable} alter column id set not null'
       when not exists (
         select from pg_index as i
         where i.indrelid = a.attrelid and i.indkey[0] = a.attnum and i.indnkeyatts = 1 and i.indisunique and i.indisvalid and i.indimmediate
           and i.indpred is null
       ) then 'is neither a primary key nor unique: alter table ${usageTable} add primary key (id)'
     end as fault
     from pg_attribute as a where a.attrelid = ${table} and a.attname = 'id'
   ) as faults
   where fault is not null`,

  // Across partitions, only what includes created_at can be unique.
  `select format('index %s is %s: drop it', i.indexrelid::regclass,
     case when not i.indisvalid then 'invalid' when i.indisexclusion then 'of an exclusion constraint, which partitions can''t share' else 'unique, which partitions can''t ensure' end) as reason
   from pg_index as i
   where i.indrelid = ${table} and (not i.indisvalid or i.indisexclusion or (i.indisunique and i.indexrelid <> (
     select k.indexrelid
     from pg_index as k join pg_attribute as a on a.attrelid = k.indrelid and a.attname = 'id'
     where k.indrelid = ${table} and k.indkey[0] = a.attnum and k.indnkeyatts = 1 and k.indisunique and k.indpred is null
     order by k.indisprimary desc, k.indexrelid limit 1)))
   order by i.indexrelid`,

  `select format('foreign key %I isn''t validated: alter table ${usageTable} validate constraint %1$I', conname) as reason
   from pg_constraint where conrelid = ${table} and contype = 'f' and not convalidated`,

  `select format('foreign key %I of %s refers to it, and ids are unique only together with created_at: drop it', conname, conrelid::regclass) as reason
   from pg_constraint where confrelid = ${table} and contype = 'f' and conparentid = 0`,

  // The view itself refers to its table by oid, and so would to the one that is dropped.
  `select distinct case
     when r.ev_class = ${table} then format('rule %I: ${makeAgain}', r.rulename)
     else format('%s %s reads it: ${makeAgain}', case c.relkind when 'm' then 'materialized view' when 'v' then 'view' else 'a rule of' end, c.oid::regclass)
   end as reason
   from pg_depend as d
   join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
   join pg_class as c on c.oid = r.ev_class
   where d.refclassid = 'pg_class'::regclass and d.refobjid = ${table}
   order by 1`,

  `select distinct format('function %s depends on it: ${makeAgain}', d.objid::regprocedure) as reason
   from pg_depend as d
   where d.classid = 'pg_proc'::regclass and (
     (d.refclassid = 'pg_class'::regclass and d.refobjid = ${table})
     or (d.refclassid = 'pg_type'::regclass and d.refobjid in (select unnest(array[t.oid, t.typarray]) from pg_type as t where t.typrelid = ${table})))
   order by 1`,

  `select distinct format('%s has the table''s type: change that', pg_describe_object(d.classid, d.objid, d.objsubid)) as reason
   from pg_depend as d
   where d.refclassid = 'pg_type'::regclass and d.refobjid in (select unnest(array[t.oid, t.typarray]) from pg_type as t where t.typrelid = ${table})
     and d.classid not in ('pg_proc'::regclass, 'pg_type'::regclass)
   order by 1`,

  `select format('policy %I of %s reads it: ${makeAgain}', p.polname, p.polrelid::regclass) as reason
   from pg_depend as d
   join pg_policy as p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
   where d.refclassid = 'pg_class'::regclass and d.refobjid = ${table} and p.polrelid <> ${table}
   group by p.polname, p.polrelid order by 1`,

  `select format('trigger %I has a transition table for each row, which partitions can''t: make it FOR EACH STATEMENT, or drop it', tgname) as reason
   from pg_trigger
   where tgrelid = ${table} and not tgisinternal and (tgtype & 1) = 1 and (tgoldtable is not null or tgnewtable is not null)
     and tgname not like '${noteTriggerPrefix}%'`,

  `select 'its replica identity is an index: alter table ${usageTable} replica identity default' as reason from pg_class where oid = ${table} and relreplident = 'i'`,

  // Subscribers know the table, and no partitions.
  `select format('publication %I publishes all tables, and would publish the partitions under their own names: alter publication %1$I set (publish_via_partition_root = true)', pubname) as reason
   from pg_publication where puballtables and not pubviaroot`,

  // A unique index is no replica identity where a column may be null: deleting a key would fail.
  `select format('publication %I names rows by their primary key, which created_at can''t be part of while it allows null: alter table ${usageTable} alter column created_at set not null', p.pubname) as reason
   from pg_publication as p
   join pg_class as c on c.oid = ${table} and c.relreplident = 'd'
   join pg_attribute as a on a.attrelid = c.oid and a.attname = 'created_at' and not a.attnotnull
   where (p.pubdelete or p.pubupdate) and (p.puballtables or exists (select from pg_publication_rel where prpubid = p.oid and prrelid = c.oid))`,
]
