import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type pg from 'pg'
import { UsageError } from '../../errors.ts'

/** What keeps other exports away from a file. */
export interface ExportLock {
  /** Errors: one where the connection that holds the lock is gone, and with it the lock. */
  demandHeld (): void
  release (): Promise<void>
}

/**
 * Keeps a file for one export, until it releases it or its process is gone, however it went: the database holds the lock,
 * for as long as the transaction of a connection is open. It is a transaction's and not a session's, which a pooler would
 * lend to others. It holds no snapshot, so vacuum doesn't wait for it. Errors: UsageError where another export has it.
 */
export async function lockExportFile (pool: pg.Pool, handle: FileHandle, path: string): Promise<ExportLock> {
  const name = await lockName(handle)
  const client = await pool.connect()
  let isHeld = false
  const lose = (): void => { isHeld = false }
  client.once('end', lose)
  try {
    // Whoever reads slowly leaves it idle for long.
    await client.query('begin isolation level read committed read only; set local idle_in_transaction_session_timeout = 0')
    const { rows: [row] } = await client.query<{ is_held: boolean }>('select pg_catalog.pg_try_advisory_xact_lock($1::bigint) as is_held', [name])
    isHeld = row?.is_held === true
  } finally {
    // Thrown away and not rolled back: that can't fail, and the lock goes with the connection.
    if (!isHeld) client.release(true)
  }
  if (!isHeld) throw new UsageError(`Another export is writing to ${path}. Try again once it has ended.`)
  return {
    demandHeld: () => {
      if (!isHeld) throw new Error(`Lost the connection to the database that kept other exports from writing to ${path}`)
    },
    release: async () => {
      client.off('end', lose)
      if (isHeld) await client.query('rollback').then(() => client.release(), () => client.release(true))
      else client.release(true)
      isHeld = false
    },
  }
}

/** The same for all names of a file. 64 bits, so that two files hardly ever share one. */
async function lockName (handle: FileHandle): Promise<string> {
  const { dev, ino } = await handle.stat({ bigint: true })
  return createHash('sha256').update(`latchkey usage export ${dev} ${ino}`).digest().readBigInt64BE().toString()
}
