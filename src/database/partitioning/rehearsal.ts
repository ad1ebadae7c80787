import pg from 'pg'
import { type TableDefinitions, usageTable } from './definitions.ts'
import { buildIndexes, isComplete } from './indexes.ts'
import { newTable } from './new-table.ts'
import { PartitioningRefusedError } from './refusals.ts'
import { sqlState } from '../sqlstate.ts'

/**
 * Makes on the empty new table all that it will get in the end, and takes it back: what Postgres doesn't take is known
 * before the first row is copied. Within a transaction. Throws PartitioningRefusedError with Postgres' words.
 */
export async function rehearse (client: pg.ClientBase, definitions: TableDefinitions): Promise<void> {
  await client.query('savepoint rehearsal')
  try {
    await buildIndexes(client, definitions)
    for (const { name, definition } of definitions.foreignKeys) {
      await client.query(`alter table ${newTable} add constraint ${pg.escapeIdentifier(name)} ${definition}`)
    }
    // Were an index not the same on partitions, it would be looked for in vain for ever.
    if (!await isComplete(client, definitions)) throw new PartitioningRefusedError(['one of its indexes or foreign keys would be another one on partitions: drop it'])
    // Policies name columns by the table's name.
    await client.query(`alter table ${newTable} rename to api_key_usage`)
    for (const statement of definitions.attachments) await client.query(statement.replaceAll(usageTable, 'latchkey.api_key_usage'))
    await client.query('rollback to savepoint rehearsal')
  } catch (err) {
    throw asRefusal(err)
  }
}

/** What isn't a matter of locks or of the connection is the table's. */
export function asRefusal (err: unknown): unknown {
  const state = sqlState(err)
  if (!(err instanceof pg.DatabaseError) || state === null || !['0A', '22', '23', '2B', '42'].includes(state.slice(0, 2))) return err
  return new PartitioningRefusedError([[err.message, err.detail, err.hint].filter((part) => part !== undefined).join('. ')], { cause: err })
}
