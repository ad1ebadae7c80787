import { clockFault, measureClockSkewMs } from '../../database/clock.ts'
import { isTransactionPooled } from '../../database/pooler.ts'
import type { DatabaseSession } from '../database-session.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

const versionLeast = 14
const versionMost = 18

/** The server itself: its version, the way to it, and its clock. */
export async function checkDatabaseServer ({ pool, directUrl, isEmbedded }: DatabaseSession): Promise<Finding[]> {
  const startedMs = Date.now()
  const { rows: [row] } = await pool.query<{ version: number, release: string, is_standby: boolean }>(`
    select current_setting('server_version_num')::integer as version,
           current_setting('server_version') as release,
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
    checkClock(await measureClockSkewMs(pool)),
  ]
}

function checkClock (skewMs: number): Finding {
  const fault = clockFault(skewMs)
  if (fault === null) return ok('Clock', 'agrees with the database')
  return (fault.isGrave ? fail : warn)('Clock', fault.detail, fault.remedy)
}
