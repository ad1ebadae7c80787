import pg from 'pg'

/** Whether the database answers a query over a new connection; false after a second without. */
export async function isAnswering (url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000, query_timeout: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    // One that hangs wouldn't take its leave.
    client.end().catch(() => {})
  }
}
