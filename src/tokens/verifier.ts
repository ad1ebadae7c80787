import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { RowsHiddenError } from '../database/hidden-rows.ts'
import { SparingLog } from '../database/sparing-log.ts'
import { isStoreUnavailable } from '../database/sqlstate.ts'
import type { TokenRights } from './admin-token.ts'
import { isToken, tokenHashOf, tokenPrefixOf } from './format.ts'
import { environmentTokenName } from './token-names.ts'
import type { TokenCandidate, TokensFound, TokenStore } from './token-store.ts'

export type TokenVerdict =
  | { readonly status: 'valid', readonly token: { readonly name: string, readonly rights: TokenRights } }
  /** The network has sent too many that aren't valid. */
  | { readonly status: 'throttled', readonly retryAfterMs: number }
  /** `disabled`: there is no token that would do. `unavailable`: the database couldn't be asked. */
  | { readonly status: 'unauthorized' | 'disabled' | 'unavailable' }

/** Counts failures by network. */
export interface TokenFailures {
  /** Counts one, unless the budget is spent. */
  take (network: string): boolean
  /** 0 where there is room for one more. */
  retryAfterMs (network: string): number
}

export interface TokenVerifierOptions {
  readonly store: Pick<TokenStore, 'find' | 'noteUse'>
  /** LATCHKEY_ADMIN_TOKEN; null: not set. */
  readonly environmentToken: string | null
  readonly failures: TokenFailures
  readonly logger: Logger
  /** Of a clock that never goes back. */
  readonly nowMs?: () => number
}

interface Proof {
  readonly provenAtMs: number
  readonly useNotedAtMs: number
}

/** For so long a token that was valid needs no budget: a neighbour who guesses locks nobody out. */
const provenForMs = 86_400_000
const provenMax = 1_000
/** Tries; the store sees to it that a row is written once a minute at most. */
const noteUseEveryMs = 30_000
const logEveryMs = 60_000

/**
 * Whose token a request carries. A named one is asked for each time, so that one that was revoked works nowhere any
 * more; the environment's needs no database.
 */
export class TokenVerifier {
  readonly #store: TokenVerifierOptions['store']
  readonly #environmentHash: Buffer | null
  readonly #failures: TokenFailures
  readonly #log: SparingLog
  readonly #nowMs: () => number
  /** By the token's hash. */
  readonly #proven = new LRUCache<string, Proof>({ max: provenMax })
  /** Of each network, the check under way that may turn out a failure. */
  readonly #turns = new Map<string, Promise<TokenVerdict>>()
  #refusal: Promise<TokenVerdict> | null = null

  constructor ({ store, environmentToken, failures, logger, nowMs = () => performance.now() }: TokenVerifierOptions) {
    this.#store = store
    this.#environmentHash = environmentToken === null ? null : tokenHashOf(environmentToken)
    this.#failures = failures
    this.#log = new SparingLog(logger, { everyMs: logEveryMs })
    this.#nowMs = nowMs
  }

  /** `presented`: empty where there is none, which is no failure. Never rejects. */
  async verify (presented: string, network: string): Promise<TokenVerdict> {
    const hash = tokenHashOf(presented)
    // Hashes, for equal lengths, and times that say nothing about the token.
    if (this.#environmentHash !== null && timingSafeEqual(hash, this.#environmentHash)) {
      return { status: 'valid', token: { name: environmentTokenName, rights: 'write' } }
    }
    if (presented === '') return await this.#refuse()
    return this.#isProven(hash) ? await this.#check(presented, hash, network) : await this.#checkInTurn(presented, hash, network)
  }

  /** One after the other in a network: whoever sends many at once learns, too, when the budget is spent. */
  async #checkInTurn (presented: string, hash: Buffer, network: string): Promise<TokenVerdict> {
    for (let before = this.#turns.get(network); before !== undefined; before = this.#turns.get(network)) {
      const { status } = await before
      // During an outage, waits would add up.
      if (status === 'unavailable') return { status }
      if (this.#isProven(hash)) return await this.#check(presented, hash, network)
    }
    const retryAfterMs = this.#failures.retryAfterMs(network)
    if (retryAfterMs > 0) return { status: 'throttled', retryAfterMs }
    const turn = this.#check(presented, hash, network).finally(() => this.#turns.delete(network))
    this.#turns.set(network, turn)
    return await turn
  }

  async #check (presented: string, hash: Buffer, network: string): Promise<TokenVerdict> {
    const verdict = isToken(presented) ? await this.#lookUp(tokenPrefixOf(presented), hash) : await this.#refuse()
    if (verdict.status === 'unauthorized') this.#failures.take(network)
    return verdict
  }

  async #lookUp (prefix: string, hash: Buffer): Promise<TokenVerdict> {
    const found = await this.#find(prefix)
    if (found === null) return { status: 'unavailable' }
    let token: TokenCandidate | null = null
    // To the end, whichever it is: how long it takes tells nothing of the others.
    for (const candidate of found.candidates) {
      if (candidate.hash.length === hash.length && timingSafeEqual(candidate.hash, hash)) token = candidate
    }
    if (token?.isUsable === true) {
      this.#notice(token, hash)
      return { status: 'valid', token: { name: token.name, rights: token.rights } }
    }
    this.#proven.delete(keyOf(hash))
    if (token !== null) return { status: 'unauthorized' }
    return found.hidesRows ? this.#hidden() : this.#refusalOf(found)
  }

  /** What is no token. Where the environment has one, the API is open to that, and nobody need be asked. */
  async #refuse (): Promise<TokenVerdict> {
    if (this.#environmentHash !== null) return { status: 'unauthorized' }
    // One question for all who wait for its answer at the time: it costs nothing to make somebody ask it.
    this.#refusal ??= this.#askWhetherAnyIsUsable().finally(() => { this.#refusal = null })
    return await this.#refusal
  }

  async #askWhetherAnyIsUsable (): Promise<TokenVerdict> {
    const found = await this.#find('')
    if (found === null) return { status: 'unavailable' }
    return found.hidesRows && !found.isAnyUsable ? this.#hidden() : this.#refusalOf(found)
  }

  #refusalOf ({ isAnyUsable }: TokensFound): TokenVerdict {
    return { status: isAnyUsable || this.#environmentHash !== null ? 'unauthorized' : 'disabled' }
  }

  async #find (prefix: string): Promise<TokensFound | null> {
    try {
      return await this.#store.find(prefix)
    } catch (err) {
      if (isStoreUnavailable(err)) this.#log.warn('away', { err }, `Tokens of the admin API can't be checked: the database doesn't answer. ${meanwhile}`)
      else this.#log.error('refused', { err }, `Tokens of the admin API can't be checked; \`latchkey doctor\` says what is missing. ${meanwhile}`)
      return null
    }
  }

  #hidden (): TokenVerdict {
    const err = new RowsHiddenError('latchkey.admin_tokens')
    this.#log.error('hidden', { err }, `${err.message}. ${meanwhile}`)
    return { status: 'unavailable' }
  }

  #isProven (hash: Buffer): boolean {
    const proof = this.#proven.get(keyOf(hash))
    return proof !== undefined && this.#nowMs() - proof.provenAtMs < provenForMs
  }

  #notice ({ id, name }: TokenCandidate, hash: Buffer): void {
    const nowMs = this.#nowMs()
    const notedAtMs = this.#proven.get(keyOf(hash))?.useNotedAtMs ?? -Infinity
    const isDue = nowMs - notedAtMs >= noteUseEveryMs
    this.#proven.set(keyOf(hash), { provenAtMs: nowMs, useNotedAtMs: isDue ? nowMs : notedAtMs })
    if (!isDue) return
    this.#store.noteUse(id).catch((err: unknown) => this.#log.warn('use', { err, token: name }, 'When a token of the admin API was last used could not be written'))
  }
}

const meanwhile = 'Until then the admin API answers 503, but for the bearer of LATCHKEY_ADMIN_TOKEN'

function keyOf (hash: Buffer): string {
  return hash.toString('base64url')
}
