import type pg from 'pg'

/** Tables with a row that has the text anywhere in it: as text, or as the hex or base64 of its bytes. All there are, as pg_dump would write them. */
export async function holding (pool: pg.Pool, text: string): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(`
    select pg_catalog.format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`)
  const bytes = Buffer.from(text)
  const spellings = [text, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
  const found: string[] = []
  for (const { name } of tables) {
    const { rowCount } = await pool.query(
      `select from ${name} as t where exists (select from pg_catalog.unnest($1::text[]) as s where pg_catalog.strpos(t::text, s) > 0) limit 1`, [spellings])
    if (rowCount !== 0) found.push(name)
  }
  return found
}
