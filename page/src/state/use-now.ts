import { type ComponentChildren, createContext, h } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'

const tickMs = 5_000

const NowContext = createContext(Date.now())

/** The time for relative times, in ms. It is one for all that is on the screen, and moves on every few seconds. */
export function useNow (): number {
  return useContext(NowContext)
}

export function Clock ({ children }: { readonly children: ComponentChildren }) {
  const [nowMs, setNowMs] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [])
  return h(NowContext.Provider, { value: nowMs }, children)
}
