import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'

const tickMs = 15_000

export const NowContext = createContext(Date.now())

/** The time for relative times, in ms; moves on every quarter of a minute. */
export function useNow (): number {
  return useContext(NowContext)
}

export function useTicking (): number {
  const [nowMs, setNowMs] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [])
  // A view that is drawn between two ticks shows what happened since as just now.
  return nowMs
}
