import pg from 'pg'
import { usageTable } from './definitions.ts'

/** Where ids come from; `owned` by the column (serial), or part of it (identity). */
export interface IdSource {
  readonly sequence: string
  readonly schema: string
  readonly name: string
  readonly kind: 'owned' | 'always' | 'by default'
  /** As in CREATE SEQUENCE. */
  readonly options: string
  readonly grants: readonly string[]
}

/** Null where ids come from elsewhere: a default of somebody's own follows with the column. */
export async function idSourceOf (client: pg.ClientBase): Promise<IdSource | null> {
  const { rows: [row] } = await client.query<IdSource & { grants: string[] }>(`
    select s.oid::regclass::text as sequence, n.nspname as schema, s.relname as name,
      case a.attidentity when 'a' then 'always' when 'd' then 'by default' else 'owned' end as kind,
      format('increment by %s minvalue %s maxvalue %s start with %s cache %s %s', q.seqincrement, q.seqmin,
        -- Of an integer's the most that an integer holds, unless somebody wanted less.
        case when q.seqmax in (32767, 2147483647) then 9223372036854775807 else q.seqmax end,
        q.seqstart, q.seqcache, case when q.seqcycle then 'cycle' else 'no cycle' end) as options,
      array(
        select format('grant %s on sequence %s to %s%s', x.privilege_type, s.oid::regclass,
          case x.grantee when 0 then 'public' else x.grantee::regrole::text end, case when x.is_grantable then ' with grant option' else '' end)
        from aclexplode(s.relacl) as x where x.grantee <> s.relowner
      ) as grants
    from pg_attribute as a
    join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
      and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    join pg_class as s on s.oid = d.objid and s.relkind = 'S'
    join pg_namespace as n on n.oid = s.relnamespace
    join pg_sequence as q on q.seqrelid = s.oid
    where a.attrelid = '${usageTable}'::regclass and a.attname = 'id'
    order by s.oid limit 1`)
  return row ?? null
}

/** Before the table moves away: what is owned would move along. */
export async function releaseIds (client: pg.ClientBase, source: IdSource | null): Promise<void> {
  if (source?.kind !== 'owned') return
  await client.query(`alter sequence ${source.sequence} owned by none`)
  await client.query(`alter sequence ${source.sequence} as bigint`)
}

/**
 * When another table has taken its place. A sequence of an identity column can't change tables: the new one goes on
 * where the former one stands, which moved to `formerSchema`.
 */
export async function takeIds (client: pg.ClientBase, source: IdSource | null, formerSchema: string): Promise<void> {
  if (source === null) return
  if (source.kind === 'owned') {
    // Otherwise it can't be owned, and works as well.
    if (source.schema === 'public') await client.query(`alter sequence ${source.sequence} owned by ${usageTable}.id`)
    return
  }
  await client.query(`alter table ${usageTable} alter column id add generated ${source.kind} as identity (sequence name public.${pg.escapeIdentifier(source.name)} ${source.options})`)
  await client.query(`
    select pg_catalog.setval(pg_catalog.pg_get_serial_sequence('${usageTable}', 'id')::pg_catalog.regclass, last_value, is_called)
    from ${formerSchema}.${pg.escapeIdentifier(source.name)}`)
  for (const grant of source.grants) await client.query(grant)
}
