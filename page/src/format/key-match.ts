import type { ApiKey } from '../api/types.ts'

export interface KeyMatch {
  /** The one key that is meant; undefined: none, or more than one. */
  readonly key: ApiKey | undefined
  readonly count: number
}

/** Which of the keys that a search found has exactly this name or prefix. A prefix may end in the dots it is shown with. */
export function matchOf (keys: readonly ApiKey[], typed: string): KeyMatch {
  const text = typed.trim()
  const prefix = text.replace(/(…|\.{3})$/, '')
  const matching = keys.filter(key => key.name.trim() === text || key.prefix === prefix)
  return { key: matching.length === 1 ? matching[0] : undefined, count: matching.length }
}

/** What to search for, so that a prefix is found however it was typed. */
export function searchTextOf (typed: string): string {
  return typed.trim().replace(/(…|\.{3})$/, '')
}
