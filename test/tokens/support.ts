import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createPool } from '../../src/database/pool.ts'
import { FailureBudget } from '../../src/limits/failure-budget.ts'
import { TokenStore } from '../../src/tokens/token-store.ts'
import { TokenVerifier, type TokenVerifierOptions } from '../../src/tokens/verifier.ts'

export const network = '192.0.2.1'
export const neighbour = '192.0.2.2'
export const environmentToken = 'a-token-for-the-tests-alone'

/** What a gateway has of this. Closed with the test. */
export interface TestVerifier {
  readonly verifier: TokenVerifier
  readonly logs: string[]
  /** How often the database was asked for tokens. */
  lookups (): number
  /** How often the use of a token was to be noted; resolves when all of that has ended. */
  usesNoted (): Promise<number>
  /** Turns the clock of proofs and failures forward. */
  pass (ms: number): void
}

export function startVerifier (t: Pick<Test, 'teardown'>, databaseUrl: string, more: Partial<TokenVerifierOptions> = {}): TestVerifier {
  const logs: string[] = []
  const logger = pino({ level: 'debug' }, new Writable({
    write (chunk, _encoding, done) {
      logs.push(String(chunk))
      done()
    },
  }))
  let [nowMs, lookups] = [0, 0]
  const uses: Promise<void>[] = []
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'latchkey admin', connectionsMax: 4, connectionsMin: 0, queryTimeoutMs: 30_000, logger })
  t.teardown(() => pool.end())
  class CountingStore extends TokenStore {
    override async find (prefix: string): ReturnType<TokenStore['find']> {
      lookups++
      return await super.find(prefix)
    }

    override async noteUse (id: number): Promise<void> {
      const noting = super.noteUse(id)
      uses.push(noting)
      await noting
    }
  }
  const failures = new FailureBudget({ failures: 20, perMs: 60_000, nowMs: () => nowMs })
  const verifier = new TokenVerifier({ store: new CountingStore(pool), environmentToken: null, failures, logger, nowMs: () => nowMs, ...more })
  return { verifier, logs, lookups: () => lookups, usesNoted: async () => (await Promise.allSettled(uses)).length, pass (ms) { nowMs += ms } }
}
