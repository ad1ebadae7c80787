import pg from 'pg'
import { sqlState } from '../sqlstate.ts'
import { stopNotingChanges } from './changes.ts'
import { discardNewTable } from './convert.ts'
import { definitionsOf, usageTable } from './definitions.ts'
import { idSourceOf, releaseIds, takeIds } from './ids.ts'
import { storedColumns } from './new-table.ts'
import { readPartitioning } from './state.ts'

const plainTable = 'latchkey.api_key_usage_reverted'

/**
 * Makes one plain table of the partitions, with every row and all else that belongs to it, or abandons a conversion
 * that has not come to its end. Within the caller's transaction, and with writers kept out while the rows are copied.
 * The ids stay bigint. With `losesRows` the partitions are left for the caller to drop.
 */
export async function revertUsage (client: pg.Client, { losesRows }: { readonly losesRows: boolean }): Promise<void> {
  await client.query('set local search_path = pg_catalog')
  const { state } = await readPartitioning(client)
  if (state === 'plain' || state === 'converting') {
    await client.query(`lock table ${usageTable} in access exclusive mode`)
    await discardNewTable(client)
    await stopNotingChanges(client)
  }
  if (state === 'dropping') await client.query('drop table latchkey.api_key_usage_unpartitioned')
  await client.query('delete from latchkey.usage_partitioning')
  if (!losesRows && (state === 'dropping' || state === 'partitioned')) await makePlain(client)
  await client.query('set local search_path = public')
}

async function makePlain (client: pg.Client): Promise<void> {
  await client.query(`lock table ${usageTable} in access exclusive mode`)
  const definitions = await definitionsOf(client)
  const ids = await idSourceOf(client)
  const columns = await storedColumns(client)
  await client.query(`create table ${plainTable} (like ${usageTable} including all excluding indexes excluding identity)`)
  await client.query(`select latchkey.close_usage_partition('${plainTable}', '${usageTable}')`)
  await client.query(`insert into ${plainTable} (${columns}) select ${columns} from ${usageTable}`)

  await releaseIds(client, ids)
  // Its names are free from here on.
  await client.query(`alter table ${usageTable} set schema latchkey`)
  await client.query(`alter table ${plainTable} set schema public`)
  await client.query('alter table public.api_key_usage_reverted rename to api_key_usage')
  await addKey(client, definitions.keyName)
  for (const { name, rest, comment } of definitions.indexes) {
    await client.query(`create index ${pg.escapeIdentifier(name)} on ${usageTable} ${rest}`)
    if (comment !== null) await client.query(`comment on index public.${pg.escapeIdentifier(name)} is ${pg.escapeLiteral(comment)}`)
  }
  for (const { name, definition } of definitions.foreignKeys) {
    await client.query(`alter table ${usageTable} add constraint ${pg.escapeIdentifier(name)} ${definition}`)
  }
  await takeIds(client, ids, 'latchkey')
  for (const statement of definitions.attachments) await client.query(statement)
  await client.query('drop table latchkey.api_key_usage')
}

/** As in the seed; where somebody gave two rows one id, which partitions in different months can't tell, as it was. */
async function addKey (client: pg.ClientBase, name: string): Promise<void> {
  await client.query('savepoint key')
  try {
    await client.query(`alter table ${usageTable} add constraint ${pg.escapeIdentifier(name)} primary key (id)`)
  } catch (err) {
    if (sqlState(err) !== '23505') throw err
    await client.query('rollback to savepoint key')
    await client.query(`alter table ${usageTable} add constraint ${pg.escapeIdentifier(name)} unique (id, created_at)`)
  }
}
