import type { SecretHistory } from './history.ts'

/** What an upstream's target received, as it told it to the client and to the run. */
export interface Sighting {
  readonly target: string
  readonly requestId: string
  readonly method: string
  readonly path: string
  /** null: no such header. */
  readonly keyId: string | null
  readonly userId: string | null
  readonly scopes: string | null
  /** Names of the headers that hold what looks like a key. */
  readonly keysIn: readonly string[]
}

export type Outcome =
  | { readonly kind: 'answered', readonly status: number, readonly code: string | null, readonly requestId: string | null, readonly echo: Echo | null }
  /** The connection was refused: nothing was sent. */
  | { readonly kind: 'refused' }
  /** The client broke off by itself. */
  | { readonly kind: 'aborted' }
  /** The connection broke. */
  | { readonly kind: 'broken', readonly why: string, readonly hasHead: boolean }

/** What a target answers: its sighting, and how much of the body has arrived. */
export interface Echo extends Sighting {
  readonly bodyBytes: number
}

/** A request and what became of it. */
export interface Exchange {
  /** Also its x-request-id; unique. */
  readonly id: string
  readonly gateway: string
  /** Which life of the gateway: it is restarted now and then. */
  readonly life: number
  readonly method: string
  readonly path: string
  readonly bodyBytes: number
  readonly credential: 'none' | 'junk' | 'key'
  /** Of the key that was presented; null without one. */
  readonly secret: SecretHistory | null
  readonly sentAtMs: number
  readonly endedAtMs: number
  readonly outcome: Outcome
}

export interface StoredRow {
  readonly requestId: string
  readonly keyId: number
  readonly route: string | null
  readonly method: string
  readonly endpoint: string
  readonly status: number
}

export interface Violation {
  readonly kind:
    | 'wrong admission' | 'wrong refusal' | 'wrong identity' | 'undeclared outage' | 'cached key refused'
    | 'broken connection' | 'refused connection' | 'refused but forwarded' | 'forwarded more than once' | 'key leaked'
    | 'wrong answer' | 'missing row' | 'double row' | 'wrong row' | 'unexplained row' | 'unbalanced books' | 'gateway failed'
  readonly what: string
  readonly exchange: Exchange | null
}

/** `403 insufficient_scope`, `200`, `aborted`. */
export function nameOfOutcome ({ outcome }: Exchange): string {
  return outcome.kind === 'answered' ? `${outcome.status} ${outcome.code ?? ''}`.trim() : outcome.kind
}
