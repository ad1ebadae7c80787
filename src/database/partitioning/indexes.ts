import pg from 'pg'
import { usageTable, type ForeignKey, type TableDefinitions, indexesOf } from './definitions.ts'
import { newTable, partitionsOf } from './new-table.ts'
import { type ShortLockOptions, withShortLocks } from './short-locks.ts'

/** Until the swap, as the names proper are those of the plain table's indexes. */
const temporaryPrefix = 'latchkey_partitioned_'
export const temporaryKeyName = `${temporaryPrefix}key`

/**
 * Builds the indexes that the new table lacks, one partition after the other, so that little is to be done again after
 * an interruption. The parent's own then find them there.
 */
export async function buildIndexes (client: pg.ClientBase, { indexes }: TableDefinitions): Promise<void> {
  const key = await keyConstraint(client)
  for (const partition of await partitionsOf(client)) {
    if (!await hasConstraint(client, partition, key)) await client.query(`alter table ${partition} add ${key}`)
    const built = await restsOf(client, partition)
    for (const { rest } of indexes) if (!built.has(rest)) await client.query(`create index on ${partition} ${rest}`)
  }
  if (!await hasConstraint(client, newTable, key)) await client.query(`alter table ${newTable} add constraint ${temporaryKeyName} ${key}`)
  const built = await restsOf(client, newTable)
  for (const { rest } of indexes) if (!built.has(rest)) await client.query(`create index ${await freeName(client)} on ${newTable} ${rest}`)
}

/** To be run when the new table bears its final name: its indexes get the names of those that they replace. */
export async function renameIndexes (client: pg.ClientBase, { keyName, indexes }: TableDefinitions): Promise<void> {
  await client.query(`alter index public.${temporaryKeyName} rename to ${pg.escapeIdentifier(keyName)}`)
  const built = await indexesOf(client, usageTable)
  for (const { name, rest, comment } of indexes) {
    const index = built.find((candidate) => candidate.rest === rest)
    if (index === undefined) throw new Error(`The index that replaces ${name} is missing`)
    await client.query(`alter index public.${pg.escapeIdentifier(index.name)} rename to ${pg.escapeIdentifier(name)}`)
    if (comment !== null) await client.query(`comment on index public.${pg.escapeIdentifier(name)} is ${pg.escapeLiteral(comment)}`)
  }
}

/** True where the new table has every index and foreign key of the plain one, as they are now. */
export async function isComplete (client: pg.ClientBase, { indexes, foreignKeys }: TableDefinitions): Promise<boolean> {
  const built = await restsOf(client, newTable)
  if (!await hasConstraint(client, newTable, await keyConstraint(client)) || indexes.some(({ rest }) => !built.has(rest))) return false
  for (const { definition } of foreignKeys) if (!await hasConstraint(client, newTable, definition)) return false
  return true
}

/**
 * From here on keys that are deleted take their rows along in the new table, too. No row is looked at yet, so that the
 * lock on the table referred to is a short one.
 */
export async function addForeignKeys (client: pg.Client, { foreignKeys }: TableDefinitions, locks: Omit<ShortLockOptions, 'table'>): Promise<void> {
  for (const partition of await partitionsOf(client)) {
    for (const key of foreignKeys) {
      if (await hasConstraint(client, partition, key.definition, { isValid: false })) continue
      await withShortLocks(client, { ...locks, table: unqualified(key) }, async () => {
        // First, as whoever deletes a key comes from there to the partition.
        await client.query(`lock table ${key.refersTo} in share row exclusive mode`)
        await client.query(`alter table ${partition} add constraint ${pg.escapeIdentifier(key.name)} ${key.definition} not valid`)
      })
    }
  }
}

/** Looks at every row, while everybody goes on; then makes the partitions' foreign keys those of the new table. */
export async function validateForeignKeys (client: pg.Client, { foreignKeys }: TableDefinitions, locks: Omit<ShortLockOptions, 'table'>): Promise<void> {
  for (const key of foreignKeys) {
    if (await hasConstraint(client, newTable, key.definition)) continue
    for (const partition of await partitionsOf(client)) {
      await withShortLocks(client, { ...locks, table: unqualified(key) }, async () => {
        await client.query(`alter table ${partition} validate constraint ${pg.escapeIdentifier(key.name)}`)
      })
    }
    await withShortLocks(client, { ...locks, table: unqualified(key) }, async () => {
      // What the statement itself takes in the end: the partitions' own triggers go from there.
      await client.query(`lock table ${key.refersTo} in access exclusive mode`)
      await client.query(`alter table ${newTable} add constraint ${pg.escapeIdentifier(key.name)} ${key.definition}`)
    })
  }
}

/** A hand-made created_at may allow null, which a primary key can't. What has none lies in the default partition. */
async function keyConstraint (client: pg.ClientBase): Promise<string> {
  const { rows: [row] } = await client.query<{ is_primary: boolean }>(`
    select attnotnull as is_primary from pg_catalog.pg_attribute where attrelid = '${newTable}'::pg_catalog.regclass and attname = 'created_at'`)
  return row?.is_primary === true ? 'PRIMARY KEY (id, created_at)' : 'UNIQUE (id, created_at)'
}

async function hasConstraint (client: pg.ClientBase, table: string, definition: string, { isValid = true } = {}): Promise<boolean> {
  const { rowCount } = await client.query(`
    select from pg_catalog.pg_constraint
    where conrelid = $1::pg_catalog.regclass and pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(oid), ' NOT VALID$', '') = $2 and (convalidated or not $3)`,
  [table, definition, isValid])
  return rowCount !== null && rowCount > 0
}

async function restsOf (client: pg.ClientBase, table: string): Promise<Set<string>> {
  return new Set((await indexesOf(client, table)).map(({ rest }) => rest))
}

async function freeName (client: pg.ClientBase): Promise<string> {
  const { rows: [row] } = await client.query<{ count: number }>(`select count(*)::int as count from pg_catalog.pg_index where indrelid = '${newTable}'::pg_catalog.regclass`)
  return `${temporaryPrefix}${row?.count ?? 0}`
}

function unqualified ({ refersTo }: ForeignKey): string {
  return refersTo.replace(/^public\./, '')
}
