import type { Identity } from './identity.ts'

/**
 * Requests that have just begun, linked through their identities. Not a Set: for each few dozen that come and go, a Set
 * gets another table, and its old tables, once the collector has moved one of them to the old generation, keep whatever
 * they held, and the tables after them, until that is collected as a whole. Most of a gateway's garbage would outlive
 * the cheap collections.
 */
export class RecentRequests {
  #first: Identity | null = null
  #size = 0

  get size (): number {
    return this.#size
  }

  add (identity: Identity): void {
    identity.isRecent = true
    identity.after = this.#first
    if (this.#first !== null) this.#first.before = identity
    this.#first = identity
    this.#size++
  }

  /** Of one that is in the list. */
  remove (identity: Identity): void {
    const { before, after } = identity
    if (before === null) this.#first = after
    else before.after = after
    if (after !== null) after.before = before
    // A link from what is garbage would keep what it leads to.
    identity.before = null
    identity.after = null
    identity.isRecent = false
    this.#size--
  }

  * [Symbol.iterator] (): Generator<Identity> {
    for (let at = this.#first; at !== null; at = at.after) yield at
  }
}
