import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Loaded<T> {
  /** Of the last load that succeeded; stays while it is loaded anew. */
  readonly data: T | null
  /** Of the last load, if that failed. */
  readonly error: unknown
  readonly isLoading: boolean
  reload (): void
  /** Puts in place what a change answered with. */
  setData (data: T): void
}

/**
 * Loads when `inputs` change, aborting what is under way, and again every `refreshMs` while the tab is seen.
 * Data of other inputs stays shown until the new one is here.
 */
export function useLoad<T> (load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[], { refreshMs = 0 } = {}): Loaded<T> {
  const [state, setState] = useState<{ data: T | null, error: unknown, isLoading: boolean }>({ data: null, error: null, isLoading: true })
  const latest = useRef(load)
  latest.current = load
  const underWay = useRef<AbortController | null>(null)

  const start = useCallback(() => {
    underWay.current?.abort()
    const controller = new AbortController()
    underWay.current = controller
    setState(state => state.isLoading ? state : { ...state, isLoading: true })
    latest.current(controller.signal).then(
      data => { if (!controller.signal.aborted) setState({ data, error: null, isLoading: false }) },
      error => { if (!controller.signal.aborted) setState(({ data }) => ({ data, error, isLoading: false })) }
    )
  }, [])

  useEffect(() => {
    start()
    return () => underWay.current?.abort()
  }, inputs)

  useEffect(() => {
    if (refreshMs === 0) return
    const timer = setInterval(() => { if (document.visibilityState === 'visible') start() }, refreshMs)
    return () => clearInterval(timer)
  }, [refreshMs])

  const setData = useCallback((data: T) => {
    underWay.current?.abort()
    setState({ data, error: null, isLoading: false })
  }, [])
  return { ...state, reload: start, setData }
}
