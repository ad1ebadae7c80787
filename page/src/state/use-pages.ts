import { useEffect, useRef, useState } from 'preact/hooks'
import type { Page } from '../api/types.ts'

export interface Pages<T> {
  /** Null until the first page is here. */
  readonly rows: readonly T[] | null
  readonly error: unknown
  readonly isLoading: boolean
  readonly hasMore: boolean
  loadMore (): void
  /** Asks again for what failed. */
  reload (): void
}

/** A list behind a cursor: the first page anew when `inputs` change, and the next ones on demand. */
export function usePages<T> (load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>, inputs: readonly unknown[]): Pages<T> {
  const [state, setState] = useState<{ rows: readonly T[] | null, cursor: string | null, error: unknown, isLoading: boolean }>({ rows: null, cursor: null, error: null, isLoading: true })
  const underWay = useRef<AbortController | null>(null)

  const start = (cursor: string | undefined): void => {
    underWay.current?.abort()
    const { signal } = underWay.current = new AbortController()
    setState(state => ({ ...state, isLoading: true }))
    load(cursor, signal).then(
      ({ data, nextCursor }) => {
        if (signal.aborted) return
        setState(({ rows }) => ({ rows: cursor === undefined ? data : [...rows ?? [], ...data], cursor: nextCursor, error: null, isLoading: false }))
      },
      error => { if (!signal.aborted) setState(state => ({ ...state, error, isLoading: false })) }
    )
  }

  useEffect(() => {
    start(undefined)
    return () => underWay.current?.abort()
  }, inputs)

  return {
    rows: state.rows,
    error: state.error,
    isLoading: state.isLoading,
    reload: () => start(state.rows === null ? undefined : state.cursor ?? undefined),
    hasMore: state.cursor !== null,
    loadMore: () => { if (state.cursor !== null && !state.isLoading) start(state.cursor) },
  }
}
