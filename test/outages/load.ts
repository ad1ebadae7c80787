import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Test } from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../support/gateway.ts'
import { type Answer, send } from '../support/http.ts'
import { isBalanced, scrape, usageBooks, unwritten } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const knownKeys = 5
const everyMs = 20
/** Promised are five seconds; what a busy machine adds is no fault. */
const recoveryMaxMs = 10_000

export interface LoadOptions {
  readonly database: { readonly url: string, readonly pool: pg.Pool }
  /** The gateway's own way to it. */
  readonly databaseUrl?: string
  readonly environment?: GatewayOptions['environment']
}

/**
 * A gateway under a light constant load, from before an outage of its database until after it: known keys, whose TTL
 * is short enough that they are checked again all the time, and strangers.
 */
export class Load {
  readonly gateway: TestGateway
  readonly #t: Test
  readonly #keys: readonly string[]
  readonly #unused: string[]
  #isRunning = true
  #asked = 0
  readonly #statuses = new Map<string, number>()
  #slowestMs = 0
  #strangers: Answer[] = []
  readonly #odd: Answer[] = []
  readonly #requests: Promise<void>[] = []
  readonly #loops: Promise<unknown>

  constructor (t: Test, gateway: TestGateway, keys: readonly string[], unused: string[]) {
    this.gateway = gateway
    this.#t = t
    this.#keys = keys
    this.#unused = unused
    this.#loops = Promise.all([this.#useKnownKeys(), this.#useStrangers()])
    t.teardown(async () => await this.#stop())
  }

  /** Waits for the outage to be noticed, and for some requests to have been answered in it. */
  async throughOutage (requests = 100): Promise<void> {
    await until(async () => (await scrape(this.gateway.adminUrl)).get('latchkey_key_store_up') === 0, 'the outage is noticed')
    this.#strangers = []
    const asked = this.#asked + requests
    await until(() => this.#asked >= asked && this.#strangers.length >= 3, 'requests are answered in the outage')
    const strangers = this.#strangers
    this.#t.ok(strangers.every(({ status, code, headers }) => status === 503 && code === 'key_store_unavailable' && Number(headers['retry-after']) >= 1),
      'unknown keys are unavailable, with Retry-After, and never invalid', { strangers })
  }

  /** To be called when the database is reachable again. Says how long each part took to come back. */
  async recovers (): Promise<void> {
    const sinceMs = performance.now()
    const elapsed = () => Math.round(performance.now() - sinceMs)
    const { recorded } = await usageBooks(this.gateway.adminUrl)
    const within = { timeoutMs: recoveryMaxMs }
    const [keysMs, listenMs, usageMs] = await Promise.all([
      until(async () => (await this.use(this.#unused[0]!)).status === 200, 'a key that was never used is looked up', within).then(elapsed),
      this.#isListening(within).then(elapsed),
      until(async () => (await usageBooks(this.gateway.adminUrl)).written >= recorded, 'the usage of the outage is written', within).then(elapsed),
    ])
    this.#unused.shift()
    this.#t.comment(`after ${keysMs} ms keys are looked up, after ${listenMs} ms changes are heard of, after ${usageMs} ms usage is written`)
  }

  /** Ends the load; every known key's request must have been answered 200, and every row be there once. */
  async ends (): Promise<void> {
    await this.#stop()
    this.#t.same([...this.#statuses.keys()], ['200'], 'known keys went on', { statuses: [...this.#statuses] })
    this.#t.same(this.#odd, [], 'strangers are told that they are, or that it can\'t be said')
    this.#t.comment(`${this.#asked} requests of known keys, the slowest took ${Math.round(this.#slowestMs)} ms`)
    const { adminUrl, database } = this.gateway
    await until(async () => unwritten(await usageBooks(adminUrl)) === 0, 'all usage is written')
    const books = await usageBooks(adminUrl)
    this.#t.match(books, { dropped: 0 })
    this.#t.ok(isBalanced(books), 'the books balance', books)
    const { rows: [stored] } = await database.pool.query("select count(*)::int as rows, count(distinct request_id)::int as requests from public.api_key_usage where request_id like 'load-%'")
    this.#t.same(stored, { rows: this.#asked, requests: this.#asked }, 'every request is written once')
  }

  /** One request, outside the count. */
  async use (key: string, headers: Record<string, string> = {}): Promise<Answer> {
    return await send(`${this.gateway.url}/x`, { headers: { ...headers, 'x-api-key': key } })
  }

  async #stop (): Promise<void> {
    this.#isRunning = false
    await this.#loops
    await Promise.all(this.#requests)
  }

  async #useKnownKeys (): Promise<void> {
    for (let round = 0; this.#isRunning; round++) {
      // Not one after the other: a request that waited would hide what becomes of the others.
      this.#requests.push(this.#useKnown(this.#keys[round % this.#keys.length]!))
      await delay(everyMs)
    }
  }

  async #useKnown (key: string): Promise<void> {
    const startedAtMs = performance.now()
    const { status } = await this.use(key, { 'x-request-id': `load-${this.#asked++}` })
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAtMs)
    this.#statuses.set(String(status), (this.#statuses.get(String(status)) ?? 0) + 1)
  }

  async #useStrangers (): Promise<void> {
    while (this.#isRunning) {
      const answer = await this.use(generateKey({ brand: 'sk', environment: 'live' }))
      if (answer.code !== 'invalid_key' && answer.code !== 'key_store_unavailable') this.#odd.push(answer)
      this.#strangers.push(answer)
      await delay(everyMs)
    }
  }

  async #isListening (within: { timeoutMs: number }): Promise<void> {
    const heard = async () => (await scrape(this.gateway.adminUrl)).get('latchkey_key_invalidations_total') ?? 0
    const before = await heard()
    await until(async () => {
      await this.gateway.database.pool.query("select pg_notify('latchkey_keys', '{\"ids\":[0],\"clearNegative\":false}')").catch(() => {})
      return await heard() > before
    }, 'changes to keys are heard of', within)
  }
}

/** Starts the gateway and the load, with its keys known to the gateway. */
export async function startLoad (t: Test, { database, databaseUrl, environment }: LoadOptions): Promise<Load> {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: `
keys: { bcryptCost: 4, cache: { ttl: 500ms } }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: all, path: /*, upstream: u }
`,
    database,
    databaseUrl,
    ...(environment === undefined ? {} : { environment }),
  })
  const keys: string[] = []
  const unused: string[] = []
  for (let i = 0; i < knownKeys; i++) {
    keys.push((await gateway.createKey()).key)
    unused.push((await gateway.createKey()).key)
  }
  for (const key of keys) {
    const { status } = await send(`${gateway.url}/x`, { headers: { 'x-api-key': key } })
    if (status !== 200) throw new Error(`a new key was answered ${status}`)
  }
  return new Load(t, gateway, keys, unused)
}
