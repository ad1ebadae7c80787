import type pg from 'pg'

/** As latchkey.usage_partitioning has them. */
export type Phase = 'copying' | 'indexing' | 'joining' | 'dropping' | 'done'

export interface UsagePartitioning {
  /**
   * `unavailable`: the migration that brings it is pending. `plain`: not begun. `converting`: begun; gateways write to
   * the plain table still. `dropping`: partitioned, but the plain table is there still. `foreign`: partitioned by its
   * owner, in another way than ours; left alone.
   */
  readonly state: 'unavailable' | 'plain' | 'converting' | 'dropping' | 'partitioned' | 'foreign'
  readonly phase: Phase | null
  readonly rowsCopied: number
  /** An estimate made at the beginning. */
  readonly rowsTotal: number
  /** The default one included. */
  readonly partitions: number
}

interface Found {
  readonly is_available: boolean
  readonly is_partitioned: boolean
  readonly is_ours: boolean
  readonly is_under_way: boolean
  readonly has_old: boolean
  readonly partitions: number
  readonly may_read: boolean
}

/** How far api_key_usage is from a plain table to partitions; by the catalog, so that any role may ask. */
export async function readPartitioning (client: pg.ClientBase): Promise<UsagePartitioning> {
  const { rows: [found] } = await client.query<Found>(`
    select b.oid is not null as is_available,
      coalesce(t.relkind = 'p', false) as is_partitioned,
      coalesce((select relname = 'api_key_usage_default' and relnamespace = s.oid from pg_catalog.pg_class where oid = p.partdefid), false) as is_ours,
      exists (select from pg_catalog.pg_class where relnamespace = s.oid and relname = 'api_key_usage_partitioned') as is_under_way,
      exists (select from pg_catalog.pg_class where relnamespace = s.oid and relname = 'api_key_usage_unpartitioned') as has_old,
      (select pg_catalog.count(*)::int from pg_catalog.pg_inherits where inhparent = t.oid) as partitions,
      coalesce(pg_catalog.has_schema_privilege(s.oid, 'usage') and pg_catalog.has_table_privilege(b.oid, 'select')
        and not pg_catalog.row_security_active(b.oid), false) as may_read
    from (values (1)) as one
    left join pg_catalog.pg_namespace as s on s.nspname = 'latchkey'
    left join pg_catalog.pg_class as b on b.relnamespace = s.oid and b.relname = 'usage_partitioning'
    left join pg_catalog.pg_namespace as n on n.nspname = 'public'
    left join pg_catalog.pg_class as t on t.relnamespace = n.oid and t.relname = 'api_key_usage'
    left join pg_catalog.pg_partitioned_table as p on p.partrelid = t.oid`)
  if (found === undefined) throw new Error('Postgres gave no answer')
  const { phase, rowsCopied, rowsTotal } = found.may_read ? await bookkept(client) : { phase: null, rowsCopied: 0, rowsTotal: 0 }
  return { state: stateOf(found), phase, rowsCopied, rowsTotal, partitions: found.partitions }
}

function stateOf ({ is_available: isAvailable, is_partitioned: isPartitioned, is_ours: isOurs, is_under_way: isUnderWay, has_old: hasOld }: Found): UsagePartitioning['state'] {
  if (isPartitioned && !isOurs) return 'foreign'
  if (isPartitioned) return hasOld ? 'dropping' : 'partitioned'
  if (!isAvailable) return 'unavailable'
  return isUnderWay ? 'converting' : 'plain'
}

async function bookkept (client: pg.ClientBase): Promise<Pick<UsagePartitioning, 'phase' | 'rowsCopied' | 'rowsTotal'>> {
  const { rows } = await client.query<{ phase: Phase, copied: string, total: string }>(
    'select phase, rows_copied as copied, rows_total as total from latchkey.usage_partitioning'
  )
  const [row] = rows
  return { phase: row?.phase ?? null, rowsCopied: Number(row?.copied ?? 0), rowsTotal: Number(row?.total ?? 0) }
}
