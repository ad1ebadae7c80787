import type { Timeline } from './timeline.ts'

/** A key's row, as far as it decides anything. */
export interface KeyState {
  readonly keyId: number
  readonly userId: string
  readonly scopes: readonly string[]
  readonly isActive: boolean
  readonly isRevoked: boolean
  /** Milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null
}

/** null: no row is proven by this secret. */
export type SecretState = KeyState | null

/** A state and when it came: between the moment its statement was sent and the moment its commit was acknowledged. */
export interface Change <T> {
  readonly what: string
  readonly state: T
  readonly fromMs: number
  /** Infinity until acknowledged. */
  toMs: number
}

/** All states that something ever had, in order. */
export class History<T> {
  readonly name: string
  readonly changes: Change<T>[]
  readonly #nowMs: () => number

  constructor (name: string, first: T, nowMs: () => number = Date.now) {
    this.name = name
    this.#nowMs = nowMs
    this.changes = [{ what: 'begin', state: first, fromMs: -Infinity, toMs: -Infinity }]
  }

  /** The state after the last change, acknowledged or not. */
  get latest (): T {
    return (this.changes.at(-1) as Change<T>).state
  }

  /** To be called before the statement is sent; `settle` once it was acknowledged. */
  begin (what: string, state: T): Change<T> {
    const change = { what, state, fromMs: this.#nowMs(), toMs: Infinity }
    this.changes.push(change)
    return change
  }

  settle (change: Change<T>): void {
    change.toMs = this.#nowMs()
  }

  /** Every state that a gateway may have acted on for a request under way in this span. */
  possible (fromMs: number, toMs: number, unnoticedUntilMs: (sinceMs: number) => number): T[] {
    return this.changes.filter((change, i) => {
      const next = this.changes[i + 1]
      return change.fromMs <= toMs && (next === undefined || next.toMs === Infinity || unnoticedUntilMs(next.toMs) >= fromMs)
    }).map(({ state }) => state)
  }

  /** Whether some change may have come, or have been noticed, in the span. */
  isDisturbed (fromMs: number, toMs: number, unnoticedUntilMs: (sinceMs: number) => number): boolean {
    return this.changes.some(change => change.fromMs <= toMs && (change.toMs === Infinity || unnoticedUntilMs(change.toMs) >= fromMs))
  }

  /** For people: the changes near a moment, and the last one before. */
  near (atMs: number, spanMs: number): string[] {
    const last = this.changes.findLastIndex(({ fromMs }) => fromMs < atMs - spanMs)
    return this.changes
      .filter(({ fromMs }, i) => i === last || Math.abs(fromMs - atMs) <= spanMs)
      .map(({ what, state, fromMs, toMs }) => `${relative(fromMs, atMs)} to ${relative(toMs, atMs)}: ${what} -> ${JSON.stringify(state)}`)
  }
}

export type SecretHistory = History<SecretState>

/** The states that explain what a key was worth at a gateway between two moments. */
export function possibleStates (history: SecretHistory, gateway: string, fromMs: number, toMs: number, timeline: Timeline): SecretState[] {
  return history.possible(fromMs, toMs, sinceMs => timeline.unnoticedUntilMs(sinceMs, gateway))
}

/** A moment as seen from another: `-1204 ms`. */
export function relative (ms: number, originMs: number): string {
  if (!Number.isFinite(ms)) return ms < 0 ? 'always' : 'open'
  const difference = Math.round(ms - originMs)
  return `${difference < 0 ? '' : '+'}${difference} ms`
}
