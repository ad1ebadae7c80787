import type { Logger } from 'pino'
import type { DatabasePool } from '../database/pool.ts'
import { redactKeys } from './format.ts'
import type { Grace } from './verification.ts'

export interface EarlierUsesOptions {
  readonly pool: Pick<DatabasePool, 'query'>
  /** What may be stored of a user agent; null: nothing. */
  readonly keptOf: (userAgent: string) => string | null
  /** Between two writes about one secret. */
  readonly pauseMs?: number
  readonly secretsMax?: number
  readonly logger: Logger
}

/** The last use of a secret that is known of here. */
interface Use {
  usedAtMs: number
  userAgent: string | null
  isWritten: boolean
  /** When the next write may come. */
  dueAtMs: number
}

const pauseDefaultMs = 5_000
/** Secrets in use at a time, each for a few hundred bytes. */
const secretsMaxDefault = 10_000
const batchMax = 500
const userAgentCharactersMax = 256
/** Far more than is stored: bounds what redaction has to read. */
const readCharactersMax = 4_096
const logEveryMs = 60_000
// eslint-disable-next-line no-control-regex -- just those
const controlCharacters = /[\x00-\x1f\x7f-\x9f]/g

/**
 * Of the last uses, those that are news. Whoever holds a row, such as a gateway that has the same news, is not waited
 * for: such ids are given back, to be tried again. Bookkeeping, which migration 020 tells nobody of.
 */
const writeSql = `
with used as (
  select id, pg_catalog.to_timestamp(used_at_ms / 1000::float8) as used_at, user_agent
  from unnest($1::bigint[], $2::float8[], $3::text[]) as used (id, used_at_ms, user_agent)
), free as (
  select id from latchkey.earlier_secrets where id = any ($1::bigint[]) for no key update skip locked
), written as (
  update latchkey.earlier_secrets as earlier set last_used_at = used.used_at, last_user_agent = used.user_agent
  from used join free on free.id = used.id
  where earlier.id = used.id and (earlier.last_used_at is null or earlier.last_used_at < used.used_at)
)
select id::float8 as id from latchkey.earlier_secrets where id = any ($1::bigint[]) except select id::float8 from free`

/**
 * Tells a key's owner, in `latchkey.earlier_secrets`, whether something still uses a secret that was replaced, and what:
 * the first use is written at once, later ones at most every few seconds, the last one always. Nobody waits for it, and
 * what could not be written is tried again.
 */
export class EarlierUses {
  readonly #options: EarlierUsesOptions
  readonly #pauseMs: number
  readonly #secretsMax: number
  /** By id. */
  readonly #uses = new Map<number, Use>()
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #timerAtMs = Infinity
  #loggedAtMs = -Infinity
  #notTaken = 0
  #isClosed = false

  constructor (options: EarlierUsesOptions) {
    this.#options = options
    this.#pauseMs = options.pauseMs ?? pauseDefaultMs
    this.#secretsMax = options.secretsMax ?? secretsMaxDefault
  }

  /** `userAgent` as it was sent. Never throws. */
  record ({ id }: Grace, usedAtMs: number, userAgent: string | null): void {
    let use = this.#uses.get(id)
    if (use === undefined) {
      if (this.#uses.size >= this.#secretsMax) {
        this.#notTaken++
        return
      }
      use = { usedAtMs: -Infinity, userAgent: null, isWritten: true, dueAtMs: -Infinity }
      this.#uses.set(id, use)
    }
    if (usedAtMs < use.usedAtMs) return
    use.usedAtMs = usedAtMs
    use.userAgent = this.#kept(userAgent)
    use.isWritten = false
    this.#wakeBy(use.dueAtMs)
  }

  /** Uses that weren't taken down, as those of too many secrets were waiting. */
  get notTaken (): number {
    return this.#notTaken
  }

  /** Writes what isn't written, as far as that succeeds by then. */
  async close ({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    const last = async (): Promise<void> => {
      await this.#running
      this.#isClosed = true
      for (const use of this.#uses.values()) use.dueAtMs = -Infinity
      await this.#write()
    }
    let timer: NodeJS.Timeout | undefined
    await Promise.race([last(), new Promise((resolve) => { timer = setTimeout(resolve, timeoutMs) })])
    clearTimeout(timer)
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #kept (userAgent: string | null): string | null {
    if (userAgent === null) return null
    const read = userAgent.slice(0, readCharactersMax).replace(controlCharacters, '')
    const kept = this.#options.keptOf([...redactKeys(read)].slice(0, userAgentCharactersMax).join(''))
    // A copy, as a part of a text keeps all of it in memory.
    return kept === null ? null : Buffer.from(kept).toString()
  }

  #wakeBy (atMs: number): void {
    if (this.#isClosed || this.#running !== null) return
    if (this.#timer !== null) {
      if (this.#timerAtMs <= atMs) return
      clearTimeout(this.#timer)
    }
    this.#timerAtMs = atMs
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#running = this.#write().finally(() => {
        this.#running = null
        this.#wakeForNext()
      })
    }, Math.max(0, atMs - performance.now())).unref()
  }

  /** Of those that aren't done with; what is may be forgotten once its pause is over. */
  #wakeForNext (): void {
    let nextMs = Infinity
    for (const { dueAtMs } of this.#uses.values()) nextMs = Math.min(nextMs, dueAtMs)
    if (nextMs < Infinity) this.#wakeBy(nextMs)
  }

  /** What is due. Never rejects. */
  async #write (): Promise<void> {
    const nowMs = performance.now()
    const due: [number, Use][] = []
    for (const [id, use] of this.#uses) {
      if (use.dueAtMs > nowMs) continue
      if (use.isWritten) this.#uses.delete(id)
      else due.push([id, use])
    }
    for (let i = 0; i < due.length; i += batchMax) await this.#writeBatch(due.slice(i, i + batchMax))
  }

  async #writeBatch (batch: readonly (readonly [number, Use])[]): Promise<void> {
    const dueAtMs = performance.now() + this.#pauseMs
    for (const [, use] of batch) {
      use.dueAtMs = dueAtMs
      // What comes meanwhile is news again.
      use.isWritten = true
    }
    try {
      const { rows: locked } = await this.#options.pool.query<{ id: number }>(writeSql, [
        batch.map(([id]) => id),
        batch.map(([, { usedAtMs }]) => usedAtMs),
        batch.map(([, { userAgent }]) => userAgent),
      ])
      for (const { id } of locked) this.#again(id)
    } catch (err) {
      for (const [id] of batch) this.#again(id)
      const nowMs = performance.now()
      if (nowMs - this.#loggedAtMs < logEveryMs) return
      this.#loggedAtMs = nowMs
      this.#options.logger.warn({ err, secrets: batch.length, notTaken: this.#notTaken },
        'It could not be written down that earlier secrets of keys are still used; their last use may look older than it is')
    }
  }

  #again (id: number): void {
    const use = this.#uses.get(id)
    if (use !== undefined) use.isWritten = false
  }
}
