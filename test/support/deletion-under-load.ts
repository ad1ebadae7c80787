import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { type Front, startFront } from './front.ts'
import { isBalanced, usageBooks } from './scrape.ts'
import { until } from './until.ts'
import { startUpstream } from './upstream.ts'

export interface DeletionOptions {
  /** Usage rows that the deleted have. */
  readonly rows: number
  /** Keeps the deletion's transaction open until usage was seen to be written beside it; else it takes as long as it takes. */
  readonly isHeldOpen: boolean
}

/** What is deleted: one user with two keys, or one key. */
export type Deleted = 'user' | 'key'

const clientsOfOthers = 4
/** Between two looks at what is written. */
const lookEveryMs = 25
/** How long usage of the others may take to arrive: a flush, a look, and a machine with something else to do. */
const silenceMsMax = 3_000
const refusedWithinMs = 1_000

/**
 * Deletes a user, or a key, by plain SQL while a gateway serves its keys and those of others. Fails the test where a
 * request of the others fails, where their usage isn't written meanwhile, where a deleted key goes on, and where rows are
 * left or the books don't balance.
 */
export async function deleteUnderLoad (t: Test, deleted: Deleted, { rows, isHeldOpen }: DeletionOptions): Promise<void> {
  const upstream = await startUpstream(t)
  // On a machine with much else to do, nothing is refused for that.
  const front = await startFront(t, upstream.url, { sections: 'gateway: { eventLoopDelayMax: 30s }\nusage: { flushEvery: 50ms, flushRows: 200 }' })
  const { gateway, gateway: { database: { pool } } } = front
  const doomed = await Promise.all(Array.from({ length: deleted === 'user' ? 2 : 1 }, async () => await gateway.createKey({ user: 'grace@example.com', scopes: ['all:use'] })))
  const doomedIds = doomed.map(({ apiKey }) => apiKey.id)
  await pool.query(`
    insert into api_key_usage (api_key_id, endpoint, method, status_code, response_time_ms, created_at, route)
    select ($1::bigint[])[1 + n % cardinality($1::bigint[])], '/x/' || n, 'GET', 200, 5, now(), 'all' from generate_series(1, $2::int) as n`, [doomedIds, rows])

  const load = new Load(front, doomed.map(({ key }) => key))
  await until(() => load.oks.others > 50 && load.oks.doomed > 50, 'all keys are in use')
  const statement = deleted === 'user' ? "delete from auth.users where email = 'grace@example.com'" : `delete from api_keys where id = ${doomedIds[0]}`
  const client = await pool.connect()
  const writes = new Writes(t, front)
  const startedAtMs = performance.now()
  await client.query('begin')
  await writes.during(client.query(statement))
  if (isHeldOpen) {
    const { rises } = writes
    await writes.during(until(() => writes.rises > rises + 3, 'usage of others is written beside the deletion'))
  }
  const deletedAfterMs = performance.now() - startedAtMs
  load.isDeleted = true
  await writes.during(client.query('commit'))
  const committedAtMs = performance.now()
  client.release()
  await until(() => load.refused > 0, 'a deleted key is refused')
  await until(() => performance.now() - load.lastOkOfDoomedMs > refusedWithinMs, 'they stay refused')
  await load.end()
  const ended = await writes.end()

  t.comment(`${rows} rows deleted in ${Math.round(deletedAfterMs)} ms; usage of others was written ${writes.rises} times meanwhile, after ${Math.round(writes.longestSilenceMs)} ms at most; ${load.oks.others} requests of others, ${Math.round(load.slowestMs)} ms at most`)
  t.same(load.failures, [], 'no request fails')
  t.ok(writes.longestSilenceMs < silenceMsMax, 'usage of others goes on being written', { longestSilenceMs: writes.longestSilenceMs })
  t.ok(load.lastOkOfDoomedMs - committedAtMs < refusedWithinMs, 'a deleted key is refused within a second', { afterMs: load.lastOkOfDoomedMs - committedAtMs })
  const { rows: [left] } = await pool.query<{ doomed: number, others: number, keys: number }>(`
    select count(*) filter (where api_key_id = any ($1::bigint[]))::int as doomed, count(*) filter (where api_key_id = $2)::int as others,
      (select count(*)::int from api_keys where id = any ($1::bigint[])) as keys
    from api_key_usage`, [doomedIds, front.keyId])
  t.same(left, { doomed: 0, others: load.oks.others, keys: 0 }, 'their rows are gone, the others\' are there')
  // A request of a doomed key that was under way when it ended was refused, and recorded all the same.
  const oks = load.oks.others + load.oks.doomed
  t.ok(ended.recorded >= oks && ended.recorded <= oks + load.refused, 'every request with a proven key was recorded', { recorded: ended.recorded, oks })
  t.equal(ended.written + ended.dropped, ended.recorded, 'what was recorded was written, or dropped with its key')
  t.ok(ended.dropped <= ended.recorded - load.oks.others, 'and none of another key was dropped')
}

/** Requests one after the other on several connections, those of the doomed until they are refused. */
class Load {
  readonly oks = { others: 0, doomed: 0 }
  refused = 0
  /** From when the commit was asked for. */
  isDeleted = false
  /** When the last request that a deleted key was admitted with began. */
  lastOkOfDoomedMs = 0
  slowestMs = 0
  readonly failures: string[] = []
  readonly #agent = new Agent({ connections: 16 })
  #isOver = false
  readonly #clients: Promise<void>[]

  constructor ({ url, key }: Front, doomed: readonly string[]) {
    this.#clients = [...Array.from({ length: clientsOfOthers }, async () => await this.#run(url, key, false)), ...doomed.map(async each => await this.#run(url, each, true))]
  }

  async end (): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
    await this.#agent.close()
  }

  async #run (url: string, key: string, isDoomed: boolean): Promise<void> {
    while (!this.#isOver) {
      const startedAtMs = performance.now()
      try {
        const { statusCode, body } = await request(url, { dispatcher: this.#agent, headers: { 'x-api-key': key } })
        const text = await body.text()
        if (statusCode === 200) {
          this.oks[isDoomed ? 'doomed' : 'others']++
          if (isDoomed) this.lastOkOfDoomedMs = startedAtMs
        } else if (isDoomed && statusCode === 401 && text.includes('"invalid_key"')) {
          this.refused++
          // More would spend the failure budget.
          await new Promise(resolve => setTimeout(resolve, 100))
        } else {
          this.failures.push(`${isDoomed ? 'deleted' : 'other'} key: ${statusCode} ${text}`)
        }
      } catch (err) {
        // An answer under way is broken off when its key ends, as open-requests.ts has it.
        if (isDoomed && this.isDeleted) this.refused++
        else this.failures.push(`${isDoomed ? 'deleted' : 'other'} key: ${String(err)}`)
      }
      if (!isDoomed) this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAtMs)
    }
  }
}

/** Looks at what is written, of others than the deleted, while something is under way. */
class Writes {
  rises = 0
  longestSilenceMs = 0
  readonly #t: Test
  readonly #front: Front
  #rows = 0
  #risenAtMs = performance.now()

  constructor (t: Test, front: Front) {
    this.#t = t
    this.#front = front
  }

  async during (work: Promise<unknown>): Promise<void> {
    const state = { isOver: false }
    const settled = work.finally(() => { state.isOver = true })
    settled.catch(() => {})
    this.#risenAtMs = performance.now()
    while (!state.isOver) {
      await this.#look()
      await new Promise(resolve => setTimeout(resolve, lookEveryMs))
    }
    await settled
  }

  /** The books, once nothing waits. */
  async end () {
    const { adminUrl } = this.#front.gateway
    await until(async () => {
      const { waiting, spooled } = await usageBooks(adminUrl)
      return waiting + spooled === 0
    }, 'all is written')
    return await usageBooks(adminUrl)
  }

  async #look (): Promise<void> {
    const { gateway, keyId } = this.#front
    if (!isBalanced(await usageBooks(gateway.adminUrl))) this.#t.fail('the books do not balance')
    const { rows: [{ newest = 0 } = {}] } = await gateway.database.pool.query<{ newest: number }>('select max(id)::float8 as newest from api_key_usage where api_key_id = $1', [keyId])
    const nowMs = performance.now()
    this.longestSilenceMs = Math.max(this.longestSilenceMs, nowMs - this.#risenAtMs)
    if (newest > this.#rows) {
      this.rises++
      this.#risenAtMs = nowMs
    }
    this.#rows = newest
  }
}
