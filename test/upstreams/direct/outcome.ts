/** What a client gets of an upstream's answer. */
export type Outcome =
  /** Nothing: it is told 502. */
  | { readonly kind: 'refused', readonly fault: string }
  /** The head and some of the body. */
  | { readonly kind: 'broken', readonly fault: string, readonly head: Head }
  | { readonly kind: 'passed', readonly head: Head, readonly body: string, readonly isReusable: boolean }
  /** Nothing yet, or not all: the connection is open, and more may come. */
  | { readonly kind: 'waiting', readonly head: Head | null }

export interface Head {
  readonly status: number
  /** Name in lower case and value of each line, in the order of names; lines of one name in the order of the lines. */
  readonly lines: readonly string[]
  /** The length of the body, where it is told: an engine is free to leave it out. */
  readonly length: number | null
}

export interface Answer {
  /** Latin-1. */
  readonly text: string
  /** To a HEAD, or else a GET. */
  readonly isHead: boolean
  /** Whether the upstream ends its side behind the bytes. */
  readonly isEnded: boolean
}

export function headOf (status: number, length: number | null, lines: readonly (readonly [name: string, value: string])[]): Head {
  const named = lines.map(([name, value], i) => ({ name, value, i }))
  named.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : a.i - b.i)
  return { status, length: status === 204 || status === 205 ? null : length, lines: named.map(({ name, value }) => `${name}: ${value}`) }
}
