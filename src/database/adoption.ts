import type pg from 'pg'
import { wantedColumns } from './wanted-schema.ts'
import type { WantedColumn } from './wanted-schema.ts'

/** A column as it is in the database. */
export interface FoundColumn {
  readonly name: string
  /** Without length, such as `character varying`. */
  readonly type: string
  /** As a person would write it, such as `character varying(255)`. */
  readonly shown: string
  /** Of a varchar with a length; else null. */
  readonly length: number | null
}

/**
 * What keeps tables that are there already from being used, a line each; none where they fit or don't exist. Nothing
 * about them is ever changed to make them fit.
 */
export async function adoptionFaults (client: pg.ClientBase): Promise<string[]> {
  const faults: string[] = []
  for (const table of ['api_keys', 'api_key_usage'] as const) {
    const kind = await relationKind(client, table)
    if (kind === null) continue
    if (kind !== 'r' && kind !== 'p') {
      faults.push(`${table} is not a table`)
      continue
    }
    const found = await columnsOf(client, table)
    for (const wanted of wantedColumns) {
      if (wanted.table !== table) continue
      const column = found.get(wanted.name)
      // What a later migration adds may be missing still.
      if (column === undefined && wanted.since > 11) continue
      const fault = columnFault(wanted, column)
      if (fault !== null) faults.push(`${table}.${wanted.name} ${fault}`)
    }
    if (table === 'api_keys' && found.has('id') && !await isUnique(client, table, 'id')) {
      faults.push('api_keys.id is not a primary key, so that nothing can refer to it')
    }
  }
  return faults
}

/** Says what is wrong with a column, or null when it fits. */
export function columnFault (wanted: WantedColumn, found: FoundColumn | undefined): string | null {
  if (found === undefined) return `is missing (${wanted.types[0]})`
  if (!wanted.types.includes(found.type)) return `is ${found.shown}, not ${wanted.types.join(' or ')}`
  if (wanted.lengthMin !== null && found.length !== null && found.length < wanted.lengthMin) {
    return `is ${found.shown}, too short: it must hold ${wanted.lengthMin} characters`
  }
  return null
}

export async function columnsOf (client: pg.ClientBase, table: string): Promise<Map<string, FoundColumn>> {
  const { rows } = await client.query<FoundColumn>(`
    select attname as name,
      format_type(atttypid, null) as type,
      format_type(atttypid, atttypmod) as shown,
      -- A varchar's modifier counts four bytes of header.
      case when atttypid = 'varchar'::regtype and atttypmod > 0 then atttypmod - 4 end as length
    from pg_attribute
    where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`, [table])
  return new Map(rows.map((column) => [column.name, column]))
}

/** pg_class.relkind; null where there is nothing of that name. */
export async function relationKind (client: pg.ClientBase, name: string): Promise<string | null> {
  const { rows } = await client.query<{ relkind: string }>('select relkind from pg_class where oid = to_regclass($1)', [name])
  return rows[0]?.relkind ?? null
}

async function isUnique (client: pg.ClientBase, table: string, column: string): Promise<boolean> {
  const { rowCount } = await client.query(`
    select from pg_index as i
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = to_regclass($1) and a.attname = $2
      and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indnkeyatts = 1`, [table, column])
  return rowCount !== null && rowCount > 0
}
