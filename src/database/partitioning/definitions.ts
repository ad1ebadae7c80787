import type pg from 'pg'

/** Of the plain table and of the partitioned one, whichever it is at the moment. */
export const usageTable = 'public.api_key_usage'

/** Triggers that the table has only while it is converted. */
export const noteTriggerPrefix = 'latchkey_note_usage_'

export interface IndexDefinition {
  readonly name: string
  readonly isUnique: boolean
  /** As in CREATE INDEX, from USING on: the same for the same index of another table. */
  readonly rest: string
  readonly comment: string | null
}

export interface ForeignKey {
  readonly name: string
  /** From FOREIGN KEY on. */
  readonly definition: string
  /** Qualified and quoted. */
  readonly refersTo: string
}

/** All of a table that belongs to it by name only, and that has to be made anew for the table that takes its place. */
export interface TableDefinitions {
  /** Of the index that proves ids unique. */
  readonly keyName: string
  readonly indexes: readonly IndexDefinition[]
  readonly foreignKeys: readonly ForeignKey[]
  /** SQL that gives public.api_key_usage its rights, policies, triggers, publications and comment. */
  readonly attachments: readonly string[]
}

/** Reads what `usageTable` has. The search path must be pg_catalog alone, so that every name comes with its schema. */
export async function definitionsOf (client: pg.ClientBase): Promise<TableDefinitions> {
  const indexes = await indexesOf(client, usageTable)
  const { rows: [key] } = await client.query<{ name: string }>(keySql)
  const { rows: foreignKeys } = await client.query<ForeignKey>(foreignKeySql)
  const attachments: string[] = []
  for (const sql of [forceSql, commentSql, grantSql, policySql, triggerSql, publicationSql]) {
    const { rows } = await client.query<{ statement: string }>(sql)
    attachments.push(...rows.map(({ statement }) => statement))
  }
  const keyName = key?.name ?? 'api_key_usage_pkey'
  return { keyName, indexes: indexes.filter(({ name }) => name !== keyName), foreignKeys, attachments }
}

export async function indexesOf (client: pg.ClientBase, table: string): Promise<IndexDefinition[]> {
  const { rows } = await client.query<{ name: string, is_unique: boolean, definition: string, table: string, comment: string | null }>(`
    select c.relname as name, i.indisunique as is_unique, pg_get_indexdef(i.indexrelid) as definition, i.indrelid::regclass::text as table,
      obj_description(i.indexrelid, 'pg_class') as comment
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid = $1::regclass
    order by c.oid`, [table])
  return rows.map(({ name, is_unique: isUnique, definition, table, comment }) => {
    // Of a partitioned table it says ON ONLY.
    const rest = [` ON ${table} USING `, ` ON ONLY ${table} USING `].map((lead) => definition.split(lead)[1]).find((found) => found !== undefined)
    return { name, isUnique, rest: `USING ${rest ?? ''}`, comment }
  })
}

/** Of the plain table on id, of the partitioned one on (id, created_at). */
const keySql = `
  select c.relname as name
  from pg_index as i
  join pg_class as c on c.oid = i.indexrelid
  join pg_class as t on t.oid = i.indrelid
  where i.indrelid = '${usageTable}'::regclass and i.indisunique and i.indimmediate and i.indpred is null and i.indexprs is null
    and array(select a.attname::text from pg_attribute as a where a.attrelid = i.indrelid and a.attnum = any (i.indkey) order by a.attname)
      = case t.relkind when 'p' then array['created_at', 'id'] else array['id'] end
  order by i.indisprimary desc, c.oid limit 1`

const foreignKeySql = `
  select conname as name, pg_get_constraintdef(oid) as definition, confrelid::regclass::text as "refersTo"
  from pg_constraint
  where conrelid = '${usageTable}'::regclass and contype = 'f' and conparentid = 0
  order by oid`

const forceSql = `
  select 'alter table ${usageTable} force row level security' as statement
  from pg_class where oid = '${usageTable}'::regclass and relforcerowsecurity`

const commentSql = `
  select format('comment on table ${usageTable} is %L', obj_description('${usageTable}'::regclass, 'pg_class')) as statement
  where obj_description('${usageTable}'::regclass, 'pg_class') is not null`

const grantSql = `
  select format('grant %s%s on table ${usageTable} to %s%s', privilege_type, columns,
    case grantee when 0 then 'public' else grantee::regrole::text end, case when is_grantable then ' with grant option' else '' end) as statement
  from (
    select a.*, '' as columns, c.relowner
    from pg_class as c cross join aclexplode(c.relacl) as a
    where c.oid = '${usageTable}'::regclass
    union all
    select a.*, format(' (%I)', t.attname), c.relowner
    from pg_class as c
    join pg_attribute as t on t.attrelid = c.oid and not t.attisdropped
    cross join aclexplode(t.attacl) as a
    where c.oid = '${usageTable}'::regclass
  ) as granted
  where grantee <> relowner`

const policySql = `
  select format('create policy %I on ${usageTable} as %s for %s to %s', polname,
    case when polpermissive then 'permissive' else 'restrictive' end,
    case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
    (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ') from unnest(polroles) as r))
    || coalesce(' using (' || pg_get_expr(polqual, polrelid) || ')', '')
    || coalesce(' with check (' || pg_get_expr(polwithcheck, polrelid) || ')', '') as statement
  from pg_policy
  where polrelid = '${usageTable}'::regclass
  order by oid`

const triggerSql = `
  select pg_get_triggerdef(oid)
    || case tgenabled
      when 'D' then format('; alter table ${usageTable} disable trigger %I', tgname)
      when 'A' then format('; alter table ${usageTable} enable always trigger %I', tgname)
      when 'R' then format('; alter table ${usageTable} enable replica trigger %I', tgname)
      else ''
    end as statement
  from pg_trigger
  where tgrelid = '${usageTable}'::regclass and not tgisinternal and tgname not like '${noteTriggerPrefix}%'
  order by oid`

/** Lists of columns and conditions came with 15: what 14 doesn't have is null. As partitions, nobody knows our rows. */
const publicationSql = `
  select case when p.pubviaroot then '' else format('alter publication %I set (publish_via_partition_root = true); ', p.pubname) end
    || format('alter publication %I add table ${usageTable}', p.pubname)
    || case when to_jsonb(r) ->> 'prattrs' is null then ''
      else format(' (%s)', (select string_agg(quote_ident(name), ', ') from jsonb_array_elements_text(to_jsonb(v) -> 'attnames') as name)) end
    || coalesce(' where (' || (to_jsonb(v) ->> 'rowfilter') || ')', '') as statement
  from pg_publication_rel as r
  join pg_publication as p on p.oid = r.prpubid
  left join pg_publication_tables as v on v.pubname = p.pubname and v.schemaname = 'public' and v.tablename = 'api_key_usage'
  where r.prrelid = '${usageTable}'::regclass
  order by p.pubname`
