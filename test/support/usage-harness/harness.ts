import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import type { Test } from 'tap'
import { frontConfig } from '../front.ts'
import { type GatewayProcesses, prepareGatewayProcesses } from '../gateway-process.ts'
import type { UsageBooks } from '../scrape.ts'
import { until } from '../until.ts'
import { startRawUpstream } from '../upstream.ts'
import type { WrittenRow } from './asked.ts'
import { Books } from './books.ts'
import { HarnessGateway } from './gateway.ts'
import { judge, tell, type Verdict, type Violation } from './judge.ts'
import { Lateness } from './lateness.ts'
import type { Life } from './life.ts'
import { Load, type LoadOptions } from './load.ts'

export interface HarnessOptions {
  /** Left out: a database of the run's server. */
  readonly database?: { readonly url: string, readonly pool: pg.Pool }
  /** Settings of the section `usage`, in YAML's flow style. */
  readonly usage?: string
  /** Settings of the section `gateway`, the same way. */
  readonly gateway?: string
  readonly load?: Partial<Pick<LoadOptions, 'clients' | 'restMs' | 'userAgent' | 'pathPadding'>>
}

export interface GatewaySettings {
  readonly name?: string
  /** Left out: one of its own. */
  readonly dataFolder?: string
  /** By another way than the one that the test itself takes. */
  readonly databaseUrl?: string
}

const clients = 8
/** Most of the time there is nothing to do, so that a busy machine doesn't keep the gateway waiting for its turn. */
const restMs = 10
/** Of the gateway's event loop, from a row's being due to its being on the disk. */
const turnsOfAppend = 2
const forgivenMaxMs = 600
const writtenWithinMs = 60_000

/**
 * Real gateway processes under load, each request with an id that its client keeps. In the end, every response that a
 * client saw whole has exactly one row, but for those of the last moments before a kill; until then the books of every
 * gateway are read all the time.
 */
export class UsageHarness {
  readonly load: Load
  readonly books: Books
  readonly gateways: HarnessGateway[] = []
  readonly #lateness = new Lateness()
  readonly #t: Test
  readonly #processes: GatewayProcesses
  readonly #lives: Life[] = []

  constructor (t: Test, processes: GatewayProcesses, { load }: HarnessOptions) {
    this.#t = t
    this.#processes = processes
    this.load = new Load({ headers: processes.headers, lives: () => this.#lives, clients, restMs, ...load })
    this.books = new Books(() => this.#lives)
    this.load.start()
    this.books.start()
    this.#lateness.start()
    t.teardown(async () => await Promise.all([this.load.stop(), this.books.stop(), this.#lateness.stop()]))
  }

  get pool (): pg.Pool {
    return this.#processes.pool
  }

  /** Starts it. `awaitsReady: false`: doesn't wait for the database. */
  async start ({ awaitsReady = true, ...settings }: GatewaySettings & { readonly awaitsReady?: boolean } = {}): Promise<HarnessGateway> {
    const gateway = new HarnessGateway(this.#t, this.#processes, {
      name: `gateway-${this.gateways.length + 1}`,
      dataFolder: temporaryFolder(this.#t),
      lateMs: life => Math.min(forgivenMaxMs, this.#lateness.recentMs + turnsOfAppend * this.books.recentLagMs(life)),
      onLife: life => { this.#lives.push(life) },
      ...settings,
    })
    this.gateways.push(gateway)
    await gateway.start({ awaitsReady })
    return gateway
  }

  /** Waits for so many more answers. */
  async answers (count: number): Promise<void> {
    const target = this.load.completed + count
    await until(() => this.load.completed >= target, `${count} more answers`, { timeoutMs: 60_000 })
  }

  /** Waits until the books of a gateway that lives say so, in a sample that is taken from now on. */
  async booksSay (gateway: HarnessGateway, what: string, condition: (books: UsageBooks, series: Map<string, number>) => boolean, { timeoutMs = 30_000 } = {}): Promise<void> {
    const sinceMs = performance.now()
    await until(() => {
      const seen = this.books.lastOf(gateway.life)
      return seen !== null && seen.atMs > sinceMs && condition(seen.books, seen.series)
    }, `the books of ${gateway.life.name} say that ${what}`, { timeoutMs }).catch((err: unknown) => {
      throw new Error(`${String(err)}; last: ${JSON.stringify(this.books.lastOf(gateway.life)?.books)}`)
    })
  }

  /** Ends the load, waits until all is written, and ends the gateways in order. */
  async settle (): Promise<void> {
    await this.load.stop()
    const up = this.gateways.filter(({ isUp }) => isUp)
    for (const gateway of up) await this.booksSay(gateway, 'nothing waits', ({ waiting, spooled }) => waiting + spooled === 0, { timeoutMs: writtenWithinMs })
    for (const gateway of up) await gateway.stop()
    await this.books.stop()
  }

  async verdict (): Promise<Verdict> {
    const { rows } = await this.pool.query<WrittenRow>('select request_id as "requestId", endpoint, status_code as status, route from public.api_key_usage')
    return judge(this.load.asked, rows)
  }

  /** Settles, and asserts that nothing was lost or written twice, and that all books balanced. */
  async finish (): Promise<void> {
    await this.settle()
    const verdict = await this.verdict()
    this.#t.same(this.tell(verdict, verdict.violations), [], 'every response that was seen in time has its row, once')
    this.assertBooks()
    this.tellOf(verdict)
    this.#t.ok(verdict.owed > 0, 'something was owed')
    const recovered = this.#lives.reduce((sum, life) => sum + (this.books.lastOf(life)?.books.recovered ?? 0), 0)
    this.#t.ok(recovered > 0, 'without what was found on the disk it would not have been so')
  }

  /** The violations, and what those gateways said last whose rows are missing. */
  tell ({ missing }: Verdict, violations: readonly Violation[]): string[] {
    const lives = violations.length === 0 ? [] : [...new Set(missing.map(({ life }) => life))]
    return [...tell(violations), ...lives.map(life => {
      const last = this.books.lastOf(life)
      const began = this.load.asked.find(asked => asked.life === life)?.sentAtMs
      const ms = (atMs: number | undefined) => `${atMs?.toFixed(0)} ms`
      return `${life.name}: first asked at ${ms(began)}, killed at ${life.kills.map(({ atMs }) => ms(atMs)).join(', ')}; at ${ms(last?.atMs)} it said ${JSON.stringify(last?.books)}, spool up: ${last?.series.get('latchkey_usage_spool_up')}`
    })]
  }

  assertBooks (): void {
    this.#t.same(this.books.faults, [], 'the books balanced in every sample, and no counter fell')
    this.#t.ok(this.books.samplesWithRowsUnderWay > 0, 'they were looked at while rows were under way')
  }

  tellOf ({ owed, atRisk, atRiskWritten }: Verdict): void {
    const kills = this.#lives.flatMap(({ kills }) => kills)
    const forgivenMs = Math.max(0, ...kills.map(({ lateMs }) => lateMs))
    this.#t.comment(`${kills.length} kills, all was up to ${Math.round(forgivenMs)} ms late at them, ${owed} rows owed, ${atRiskWritten} of ${atRisk} others written, ${this.books.samples} samples of the books, ${this.books.samplesWithRowsUnderWay} with rows under way`)
  }
}

export async function startHarness (t: Test, options: HarnessOptions = {}): Promise<UsageHarness> {
  const upstream = await startRawUpstream(t, (_request, response) => response.end('{"ok":true}'))
  const config = frontConfig(upstream.url, {
    // Rarely: most of what is killed has rows that only its spool can keep. Under load, full batches come between.
    sections: `usage: { flushEvery: 3s, ${options.usage ?? 'spool: true'} }\nkeys: { bcryptCost: 4 }\n${options.gateway === undefined ? '' : `gateway: { ${options.gateway} }\n`}`,
    routes: ["id: forbidden, path: /forbidden/*, scopes: ['no:one']"],
  })
  return new UsageHarness(t, await prepareGatewayProcesses(t, config, options.database), options)
}

export function temporaryFolder (t: Pick<Test, 'teardown'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-usage-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
