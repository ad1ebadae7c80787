import type { EarlierUses } from '../keys/earlier-uses.ts'
import type { KeyEnd, KeyWatch, WatchedUse } from '../keys/watch.ts'
import type { KeyRecord } from '../keys/verifier.ts'
import type { ProblemCode } from '../errors.ts'
import { holdsScopes } from '../routes/scopes.ts'
import type { Tunnel, TunnelEnd } from '../upstreams/tunnel.ts'
import type { Identity } from './identity.ts'
import { RecentRequests } from './recent-requests.ts'

/** How long a request stays open before its key is watched: most never get there. Short enough for a second's promise. */
const sweepEveryMs = 250

const keyEnds: Record<KeyEnd, { readonly code: ProblemCode, readonly close: Pick<TunnelEnd, 'code' | 'reason'> }> = {
  unknown: { code: 'invalid_key', close: { code: 1008, reason: 'key no longer valid' } },
  revoked: { code: 'key_revoked', close: { code: 1008, reason: 'key revoked' } },
  disabled: { code: 'key_disabled', close: { code: 1008, reason: 'key disabled' } },
  expired: { code: 'key_expired', close: { code: 1008, reason: 'key expired' } },
  out_of_scope: { code: 'insufficient_scope', close: { code: 1008, reason: 'insufficient scope' } },
  unavailable: { code: 'key_store_unavailable', close: { code: 1013, reason: 'key cannot be checked' } },
}

/** Little enough that all is over within a second, notification included. */
const keyGraceMs = 300
const goingAway = { code: 1001, reason: 'going away', graceMs: 2_000, letsFrameEnd: true } as const

/**
 * The forwarded requests that haven't ended. Those still open after a moment are ended with their key; tunnels and
 * event streams, which have no end of their own, are ended at a shutdown.
 */
export class OpenRequests {
  readonly #watch: KeyWatch
  readonly #earlierUses: Pick<EarlierUses, 'record'>
  /** Begun since the last sweep: an ordinary request comes and goes here. */
  readonly #recent = new RecentRequests()
  readonly #open = new Map<Identity, WatchedUse | null>()
  #websockets = 0
  #sweep: NodeJS.Timeout | null = null
  #isGoingAway = false

  constructor (watch: KeyWatch, earlierUses: Pick<EarlierUses, 'record'>) {
    this.#watch = watch
    this.#earlierUses = earlierUses
  }

  add (identity: Identity): void {
    this.#recent.add(identity)
    this.#sweep ??= setTimeout(() => this.#sweepNow(), sweepEveryMs).unref()
  }

  /** To be called for each that was added, once its response has closed; harmless for others. */
  remove (identity: Identity): void {
    if (identity.isRecent) {
      this.#recent.remove(identity)
      if (identity.tunnel !== null) this.#websockets--
      return
    }
    const use = this.#open.get(identity)
    if (use === undefined) return
    this.#open.delete(identity)
    if (use !== null) this.#watch.remove(use)
    if (identity.tunnel !== null) this.#websockets--
  }

  /** An open request has become a WebSocket. */
  switched (identity: Identity, tunnel: Tunnel): void {
    identity.tunnel = tunnel
    if (identity.isRecent || this.#open.has(identity)) this.#websockets++
    if (this.#isGoingAway) tunnel.end(goingAway)
  }

  stats (): { readonly websockets: number, readonly responses: number } {
    return { websockets: this.#websockets, responses: this.#recent.size + this.#open.size - this.#websockets }
  }

  /** Ends every WebSocket, those to come included, with 1001. */
  goAway (): void {
    this.#isGoingAway = true
    for (const identity of this.#all()) identity.tunnel?.end(goingAway)
  }

  /** Breaks off the event streams. Clients of such reconnect by design, and find another gateway. */
  breakOffEventStreams (): void {
    for (const { response, forwarding } of this.#all()) {
      if (forwarding?.isEventStream === true) response.destroy()
    }
  }

  close (): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep)
  }

  * #all (): Generator<Identity> {
    yield * [...this.#recent, ...this.#open.keys()]
  }

  #sweepNow (): void {
    this.#sweep = null
    for (const identity of [...this.#recent]) {
      this.#recent.remove(identity)
      const use = this.#useOf(identity)
      this.#open.set(identity, use)
      if (use === null) continue
      use.goesOn(use.key)
      this.#watch.add(use)
    }
  }

  /** Null for what no key has let in: a public route, or `auth: report`. */
  #useOf (identity: Identity): WatchedUse | null {
    const { key, route, isVouchedFor, request } = identity
    if (key === null || !isVouchedFor || route!.auth !== 'key') return null
    return {
      key,
      mayGoOn: (current: KeyRecord) => holdsScopes(current.scopes, route!.scopes),
      // Its own record may come after the grace. Until then it would look as if nothing used the secret.
      goesOn: ({ grace }: KeyRecord) => { if (grace !== null) this.#earlierUses.record(grace, Date.now(), request.headers['user-agent'] ?? null) },
      end: (why: KeyEnd) => endWithKey(identity, why),
    }
  }
}

function endWithKey (identity: Identity, why: KeyEnd): void {
  const { tunnel, response, forwarding } = identity
  const { code, close } = keyEnds[why]
  identity.endedBy = code
  if (tunnel !== null) tunnel.end({ ...close, graceMs: keyGraceMs, letsFrameEnd: false })
  // Nothing was said yet, and nothing can have been changed: it can still be refused.
  else if (!response.headersSent && forwarding?.abort != null && isSafe(forwarding.method)) forwarding.abort(new KeyEndedError(code))
  // Broken off: an answer must not look complete, and a refusal would say that the upstream has done nothing.
  else response.destroy()
}

function isSafe (method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/** The key that had let a request in no longer does. */
class KeyEndedError extends Error {
  override readonly name = 'KeyEndedError'
}
