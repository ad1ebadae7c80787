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
 * Loads when `inputs` change, aborting what is under way, and again every `refreshMs` while the tab is seen, and as soon
 * as one comes back to it. Data of other inputs stays shown until the new one is here.
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
      data => { if (isLatest()) setState({ data, error: null, isLoading: false }) },
      error => { if (isLatest()) setState(({ data }) => ({ data, error, isLoading: false })) }
    )
    function isLatest (): boolean {
      if (controller.signal.aborted) return false
      underWay.current = null
      return true
    }
  }, [])

  useEffect(() => {
    start()
    return () => underWay.current?.abort()
  }, inputs)

  useRefresh(refreshMs, underWay, start)

  const setData = useCallback((data: T) => {
    underWay.current?.abort()
    underWay.current = null
    setState({ data, error: null, isLoading: false })
  }, [])
  return { ...state, reload: start, setData }
}

/** By the clock, not from when it began: what refreshes equally often on one view does so together, and agrees. */
function useRefresh (refreshMs: number, underWay: { readonly current: AbortController | null }, start: () => void): void {
  useEffect(() => {
    if (refreshMs === 0) return
    let timer: number
    const wait = (): void => {
      timer = window.setTimeout(() => {
        // A slow answer is waited for: asking anew each time, it would never come.
        if (document.visibilityState === 'visible' && underWay.current === null) start()
        wait()
      }, refreshMs - Date.now() % refreshMs)
    }
    const onReturn = (): void => { if (document.visibilityState === 'visible') start() }
    wait()
    addEventListener('focus', onReturn)
    document.addEventListener('visibilitychange', onReturn)
    return () => {
      clearTimeout(timer)
      removeEventListener('focus', onReturn)
      document.removeEventListener('visibilitychange', onReturn)
    }
  }, [refreshMs])
}
