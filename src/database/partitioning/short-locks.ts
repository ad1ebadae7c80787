import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { UsageError } from '../../errors.ts'
import { inTransaction } from '../migration-session.ts'
import { sqlState } from '../sqlstate.ts'

export interface ShortLockOptions {
  /** What is being waited for, as in "a lock on api_key_usage". */
  readonly table: string
  /** How long to go on trying, all attempts together. */
  readonly patienceMs: number
  /** SQLSTATEs of `work` that pass like a lock does. */
  readonly passing?: readonly string[]
  /** Runs before each attempt, outside of its transaction. */
  readonly before?: () => Promise<void>
  /** Called when an attempt was in vain, with who holds locks on the table. */
  readonly onWait?: (holders: string) => void
}

/**
 * Everybody who wants the table queues up behind whoever waits for a strong lock on it. So no wait is long, and there
 * are pauses in which the queue runs off. Below deadlock_timeout's default of a second, of two that wait for each other
 * it is this side that gives up; only now and then does it wait for longer, as that is what makes autovacuum let go.
 */
const waitsMs = [200, 400, 800, 800, 1_500]
const pauseMs = 250
/** Not in time, or a deadlock. */
const lockNotFree = ['55P03', '40P01']

/**
 * All of `work` in one transaction, tried again for as long as a lock that it needs isn't free. Errors: a UsageError
 * naming who holds locks on the table, when patience has run out; those of `work`.
 */
export async function withShortLocks (client: pg.Client, { table, patienceMs, passing = [], before, onWait }: ShortLockOptions, work: () => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  for (let attempt = 0; ; attempt++) {
    await before?.()
    try {
      return await inTransaction(client, async () => {
        await client.query(`set local lock_timeout = ${waitsMs[attempt % waitsMs.length]}`)
        await work()
      })
    } catch (err) {
      if (![...lockNotFree, ...passing].includes(sqlState(err) ?? '')) throw err
      const holders = await holdersOf(client, table)
      if (performance.now() > deadlineMs) {
        throw new UsageError(`A lock on ${table} could not be had within ${patienceMs / 1000} s${holders === '' ? '' : `, because of ${holders}`}. Nothing is lost, and gateways go on writing. End that transaction, and run: latchkey migrate up`, { cause: err })
      }
      onWait?.(holders)
      await delay(pauseMs * (1 + Math.random()))
    }
  }
}

/** Those longest in their transaction; the rest are gateways that come and go. */
async function holdersOf (client: pg.Client, table: string): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(`
    select distinct on (a.xact_start, l.pid)
      pg_catalog.format('server process %s (%s), %s s in its transaction', l.pid, coalesce(nullif(a.application_name, ''), a.backend_type),
        pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - a.xact_start))) as holder
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.relation = pg_catalog.to_regclass($1) and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and l.granted and l.pid <> pg_catalog.pg_backend_pid() and a.xact_start < pg_catalog.clock_timestamp() - interval '1 second'
    order by a.xact_start, l.pid limit 3`, [`public.${table}`])
  return rows.map(({ holder }) => holder).join('; ')
}
