import { randomBytes } from 'node:crypto'
import { createPool } from '../../database/pool.ts'
import type { DatabaseSession } from '../database-session.ts'
import { fail, ok } from './finding.ts'
import type { Finding } from './finding.ts'

const waitMs = 5_000

/** Sends a NOTIFY through the pool and waits for it on a session connection, as revocations travel. */
export async function checkNotify ({ pool, directUrl, logger }: DatabaseSession): Promise<Finding[]> {
  const channel = `latchkey_doctor_${randomBytes(6).toString('hex')}`
  const listening = createPool({ connectionString: directUrl, applicationName: 'latchkey doctor', connectionsMax: 1, queryTimeoutMs: waitMs, logger })
  try {
    const client = await listening.connect()
    try {
      const arrived = new Promise<boolean>(resolve => {
        const timer = setTimeout(() => resolve(false), waitMs)
        client.once('notification', () => {
          clearTimeout(timer)
          resolve(true)
        })
      })
      await client.query(`listen ${channel}`)
      const startedMs = performance.now()
      await pool.query('select pg_notify($1, $2)', [channel, 'round trip'])
      return [await arrived
        ? ok('NOTIFY', `round trip in ${Math.ceil(performance.now() - startedMs)} ms`)
        : fail('NOTIFY', 'a notification did not arrive: revocations would wait for the cache to expire', 'Use a session connection: set DATABASE_DIRECT_URL, past any transaction pooler.')]
    } finally {
      client.release(true)
    }
  } finally {
    await listening.end()
  }
}
