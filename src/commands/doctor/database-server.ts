import { isTransactionPooled } from '../../database/pooler.ts'
import type { DatabaseSession } from '../database-session.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

const versionLeast = 14
const versionMost = 18
const clockWarnMs = 2_000
const clockFailMs = 60_000

/** The server itself: its version, the way to it, and its clock, by which gateway and database judge expiries. */
export async function checkDatabaseServer ({ pool, directUrl, isEmbedded }: DatabaseSession): Promise<Finding[]> {
  const startedMs = Date.now()
  const { rows: [row] } = await pool.query<{ version: number, release: string, now_ms: number, is_standby: boolean }>(`
    select current_setting('server_version_num')::integer as version,
           current_setting('server_version') as release,
           (extract(epoch from clock_timestamp()) * 1000)::double precision as now_ms,
           pg_is_in_recovery() as is_standby`)
  const finishedMs = Date.now()
  if (row === undefined) return [fail('Database', 'it answered with nothing', 'Check what DATABASE_URL points to.')]
  const major = Math.trunc(row.version / 10_000)
  return [
    ok('Database', isEmbedded ? 'embedded, running' : `reached in ${finishedMs - startedMs} ms`),
    major >= versionLeast && major <= versionMost
      ? ok('Postgres', row.release)
      : fail('Postgres', `${row.release} is not supported`, `Use Postgres ${versionLeast} to ${versionMost}.`),
    ...(row.is_standby ? [fail('Primary', 'this server is a read-only standby', 'Point DATABASE_URL to the primary.')] : []),
    ...(await isTransactionPooled(directUrl) ? [fail('Session connection', 'the connection goes through a transaction pooler, where LISTEN is impossible', 'Set DATABASE_DIRECT_URL to the session address (port 5432).')] : []),
    checkClock(clockSkewMs(startedMs, finishedMs, row.now_ms)),
  ]
}

/** How far the database's clock is from this machine's, as far as the answer's way doesn't explain it. */
export function clockSkewMs (startedMs: number, finishedMs: number, databaseMs: number): number {
  if (databaseMs < startedMs) return databaseMs - startedMs
  return databaseMs > finishedMs ? databaseMs - finishedMs : 0
}

export function checkClock (skewMs: number): Finding {
  const detail = `the database is ${(Math.abs(skewMs) / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead'}`
  const remedy = 'Let both machines take their time from NTP: keys expire by the gateway\'s clock.'
  if (Math.abs(skewMs) >= clockFailMs) return fail('Clock', detail, remedy)
  return Math.abs(skewMs) >= clockWarnMs ? warn('Clock', detail, remedy) : ok('Clock', 'agrees with the database')
}
