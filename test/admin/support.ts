import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createAdmin } from '../../src/admin/index.ts'
import type { AdminOptions } from '../../src/admin/index.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createPool } from '../../src/database/pool.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyManager } from '../../src/keys/manager.ts'
import { FailureBudget } from '../../src/limits/failure-budget.ts'
import { GatewayMetrics } from '../../src/metrics/gateway-metrics.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import { createRegistry } from '../../src/metrics/registry.ts'
import type { RegistryParts } from '../../src/metrics/registry.ts'
import { TokenStore } from '../../src/tokens/token-store.ts'
import { TokenVerifier } from '../../src/tokens/verifier.ts'

export const adminToken = 'a-token-for-the-tests-alone'

export function parts (more: Partial<RegistryParts> = {}): RegistryParts {
  const flushDuration = new Histogram()
  return {
    gateway: new GatewayMetrics(),
    limits: () => ({
      connections: { open: 0, refusedTotal: 0, refusedAddress: 0, closedForRoom: 0 },
      failures: { networks: 0, forgotten: 0 },
      lookups: { underWay: 0, busy: 0, throttled: 0 },
      load: { level: 'calm', unknown: 0, any: 0 },
    }),
    keys: () => ({
      entries: 0, hits: 0, misses: 0, negativeHits: 0, rechecks: 0, coalesced: 0, invalidations: 0, isStoreUp: true, isListenerUp: true, bcrypt: { running: 0, waiting: 0 },
    }),
    usage: () => ({ recorded: 0, recovered: 0, written: 0, dropped: 0, waiting: 0, spooled: 0, flushDuration, spool: { bytes: 0, up: 0, down: 0 } }),
    upstreams: () => [],
    openStreams: () => ({ websockets: 0, responses: 0 }),
    isConfigCurrent: () => true,
    version: '1.2.3',
    ...more,
  }
}

const config = parseConfig('upstreams: { any: { targets: ["http://127.0.0.1"] } }\nroutes: [{ id: any, path: /, upstream: any }]\n', 'test')

export interface AdminSetting extends Partial<AdminOptions> {
  /** LATCHKEY_ADMIN_TOKEN; null: not set. */
  readonly environmentToken?: string | null
  /** Where named tokens are. Left out: in a database that is away. */
  readonly databaseUrl?: string
}

/** Listening on loopback; closed with the test. `log` gathers every line logged. */
export async function startAdmin (t: Pick<Test, 'teardown'>, { environmentToken = adminToken, databaseUrl = nowhere, ...more }: AdminSetting = {}): Promise<{ url: string, log: string[] }> {
  const log: string[] = []
  const logger = pino({ level: 'trace' }, new Writable({
    write (chunk, _encoding, done) {
      log.push(String(chunk))
      done()
    },
  }))
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'latchkey admin', connectionsMax: 4, connectionsMin: 0, queryTimeoutMs: 30_000, logger })
  const tokens = new TokenVerifier({ store: new TokenStore(pool), environmentToken, failures: new FailureBudget({ failures: 20, perMs: 60_000 }), logger })
  const bcrypt = new BcryptPool({ queueMax: 1, logger })
  const peppers = new Peppers([])
  const manager = new KeyManager({ pool, peppers, bcrypt, config: config.keys })
  const admin = createAdmin({
    registry: createRegistry(parts()), isReady: () => true, tokens, version: '1.2.3', logger, pool, reportsPool: pool, peppers, manager, config: () => config, gatewayUrl: () => 'http://gateway.test', ...more,
  })
  t.teardown(async () => {
    await admin.close()
    await bcrypt.close()
    await pool.end()
  })
  return { url: await admin.listen({ host: '127.0.0.1', port: 0 }), log }
}

const nowhere = 'postgres://nobody@127.0.0.1:1/nothing'

export async function isProblem (t: Test, response: Response, status: number, code: string): Promise<void> {
  t.equal(response.status, status)
  t.match(response.headers.get('content-type'), /^application\/problem\+json/)
  t.equal(response.headers.get('x-content-type-options'), 'nosniff')
  const problem = await response.json() as Record<string, unknown>
  t.match(problem, { type: `urn:latchkey:problem:${code}`, status, code, title: String, detail: String })
  t.equal(problem.requestId, response.headers.get('x-request-id'))
}
