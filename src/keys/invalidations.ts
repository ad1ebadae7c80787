/** What a notification of channel `latchkey_keys` says. */
export interface Invalidation {
  readonly ids: readonly number[]
  readonly hasNewSecrets: boolean
}

/**
 * Which keys changed since a load began. A load that began before an invalidation may not fill the cache after it, and
 * it learns its key's id only from its own answer: so the ids are kept, for as long as any load is under way.
 */
export class Invalidations {
  readonly #lastById = new Map<number, number>()
  readonly #idsMax: number
  #last = 0
  #lastOfAll = 0
  #lastOfUnknown = 0
  #loads = 0

  constructor ({ idsMax = 10_000 }: { readonly idsMax?: number } = {}) {
    this.#idsMax = idsMax
  }

  /** Call `end` once for each. */
  begin (): void {
    this.#loads++
  }

  end (): void {
    if (--this.#loads === 0) this.#lastById.clear()
  }

  /** The present, to hand to `hasChanged` later; to be taken before the query is sent. */
  now (): number {
    return this.#last
  }

  add ({ ids, hasNewSecrets }: Invalidation): void {
    this.#last++
    if (hasNewSecrets) this.#lastOfUnknown = this.#last
    if (this.#loads === 0) return
    for (const id of ids) this.#lastById.set(id, this.#last)
    // Over the bound, every load under way reads again: more queries, but never a stale answer.
    if (this.#lastById.size > this.#idsMax) this.addAll()
  }

  addAll (): void {
    this.#lastOfAll = ++this.#last
    this.#lastById.clear()
  }

  /** Of the key of this id; null: of a key that no row was found for. */
  hasChanged (since: number, id: number | null): boolean {
    const last = id === null ? this.#lastOfUnknown : this.#lastById.get(id) ?? 0
    return this.#lastOfAll > since || last > since
  }
}

/** Null for what isn't a notification of ours: then anything may have changed. */
export function parseNotification (payload: string): Invalidation | 'all' | null {
  let message: unknown
  try {
    message = JSON.parse(payload)
  } catch {
    return null
  }
  if (typeof message !== 'object' || message === null) return null
  if ('all' in message && message.all === true) return 'all'
  if (!('ids' in message) || !Array.isArray(message.ids)) return null
  const ids = message.ids.filter((id) => Number.isInteger(id))
  if (ids.length !== message.ids.length) return null
  return { ids, hasNewSecrets: !('clearNegative' in message) || message.clearNegative !== false }
}
