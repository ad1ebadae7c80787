import type pg from 'pg'
import { foreignKeyViolation, forgetChangesAhead } from './changes.ts'
import { usageTable } from './definitions.ts'
import { copySql, newTable, preferIndexes } from './new-table.ts'
import { type ShortLockOptions, withShortLocks } from './short-locks.ts'

/** What may be left for the changes that were noted. */
const rowsLeftMax = 5_000
/** Further back, and more than a month ahead, it is most likely nonsense: not worth a partition of its own. */
const yearsBackMax = 20

/**
 * Copies rows in the order of ids, each batch in a transaction with the note of how far it is, and goes on to what was
 * inserted meanwhile, until little is left.
 */
export async function copyRows (client: pg.Client, columns: string, rowsPerBatch: number, locks: Omit<ShortLockOptions, 'table'>, onBatch: () => Promise<void>): Promise<void> {
  do {
    while (await copyBatch(client, columns, rowsPerBatch, locks)) await onBatch()
  } while (await extend(client))
}

/** False when the last id was reached before. */
async function copyBatch (client: pg.Client, columns: string, rowsPerBatch: number, locks: Omit<ShortLockOptions, 'table'>): Promise<boolean> {
  let isEnd = false
  // Somebody may have the plain table locked. After a TRUNCATE the new one may have its foreign keys already.
  await withShortLocks(client, { ...locks, table: 'api_key_usage', passing: [foreignKeyViolation] }, async () => {
    await preferIndexes(client)
    const { rows: [position] } = await client.query<{ from: string, last: string }>('select copied_to as "from", last_id as last from latchkey.usage_partitioning')
    if (position === undefined) throw new Error('latchkey.usage_partitioning has lost its row')
    const { from, last } = position
    const { rows: [end] } = await client.query<{ to: string | null }>(`
      select pg_catalog.max(id) as to
      from (select id from ${usageTable} where id > $1::bigint and id <= $2::bigint order by id limit ${rowsPerBatch}) as batch`, [from, last])
    const to = end?.to ?? null
    if (to === null) {
      isEnd = true
      await client.query('update latchkey.usage_partitioning set copied_to = last_id')
      return
    }
    await addMonths(client, from, to)
    const { rowCount } = await client.query(`${copySql(columns)} where id > $1::bigint and id <= $2::bigint`, [from, to])
    await client.query('update latchkey.usage_partitioning set copied_to = $1, rows_copied = rows_copied + $2', [to, rowCount])
  })
  return !isEnd
}

/** The partitions that the rows from one id to another need and that aren't there. */
async function addMonths (client: pg.ClientBase, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ month: string }>(`
    select distinct pg_catalog.date_trunc('month', created_at, 'UTC')::text as month
    from ${usageTable}
    where id > $1::bigint and id <= $2::bigint
      and created_at between pg_catalog.now() - interval '${yearsBackMax} years' and pg_catalog.now() + interval '1 month'
    except
    select p.lower_bound::text from latchkey.usage_partitions('${newTable}') as p`, [from, to])
  for (const { month } of rows) await client.query(`select latchkey.add_usage_partition('${newTable}', $1)`, [month])
}

/** True where enough has been inserted since the last id was set. */
async function extend (client: pg.ClientBase): Promise<boolean> {
  const { rowCount } = await client.query(`
    update latchkey.usage_partitioning
    set last_id = newest.id
    from (select pg_catalog.max(id) as id from ${usageTable}) as newest
    where newest.id > last_id + ${rowsLeftMax}`)
  await forgetChangesAhead(client)
  return rowCount === 1
}
