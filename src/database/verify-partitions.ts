import type pg from 'pg'
import { readPartitioning } from './partitioning/state.ts'
import { type Verdict, verdict } from './verdict.ts'

/** The verdict's name, for who looks for it: a gateway works with a plain table, too. */
export const partitionedByMonth = 'api_key_usage partitioned by month'

interface Partition {
  readonly name: string
  readonly has_row_security: boolean
}

/** Whether usage is kept by month, this month's partition is there, and none of them is open to others. */
export async function partitionVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
  const { state, partitions } = await readPartitioning(client)
  if (state === 'unavailable') return []
  if (state === 'foreign') return [verdict(partitionedByMonth, null, 'by its owner, in another way')]
  if (state === 'plain') return [verdict(partitionedByMonth, 'is not. Run: latchkey migrate up')]
  if (state === 'converting') return [verdict(partitionedByMonth, 'was begun and has not ended. Unless that goes on right now, run: latchkey migrate up')]
  const { rows } = await client.query<Partition>(`
    select c.relname as name, c.relrowsecurity as has_row_security
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhrelid
    where i.inhparent = pg_catalog.to_regclass('public.api_key_usage')
    order by c.relname`)
  const open = rows.filter((row) => !row.has_row_security).map(({ name }) => `alter table latchkey.${name} enable row level security`)
  return [
    verdict(partitionedByMonth, state === 'dropping' ? 'is, but the former table is there still. Run: latchkey migrate up' : null, `${partitions} partitions, the one for all else included`),
    verdict('row-level security on the partitions of api_key_usage', open.length === 0 ? null : `is off. Run: ${open.join('; ')}`, 'on'),
    verdict('partition of api_key_usage for this month', await missingMonth(client), 'is there'),
  ]
}

/** Its rows land in the default partition until it is made. */
async function missingMonth (client: pg.ClientBase): Promise<string | null> {
  const { rows: [row] } = await client.query<{ name: string, is_there: boolean }>(`
    select month.name, exists (
      select from pg_catalog.pg_inherits as i join pg_catalog.pg_class as c on c.oid = i.inhrelid
      where i.inhparent = pg_catalog.to_regclass('public.api_key_usage') and c.relname = month.name
    ) as is_there
    from (select 'api_key_usage_' || pg_catalog.to_char(pg_catalog.now() at time zone 'UTC', 'YYYY_MM') as name) as month`)
  return row === undefined || row.is_there ? null : `latchkey.${row.name} is missing. Run: select latchkey.make_usage_partitions(3)`
}
