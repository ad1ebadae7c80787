import { useEffect, useRef, useState } from 'preact/hooks'

/** Where one is: the address behind `#`, as `#/keys/7?period=7d`. The token is never part of it. */
export interface Location {
  readonly path: string
  readonly query: URLSearchParams
}

type Guard = (wanted: string) => void

/** Held by `useLeaveGuard`: what must happen before the address may change. */
const guards = new Set<Guard>()

export function useLocation (): Location {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    let shown = location.hash
    const onChange = (): void => {
      if (location.hash === shown) return
      const guard = [...guards].at(-1)
      if (guard !== undefined) {
        const wanted = location.hash
        history.replaceState(null, '', shown === '' ? '#/' : shown)
        guard(wanted)
        return
      }
      shown = location.hash
      setHash(shown)
    }
    addEventListener('hashchange', onChange)
    addEventListener('latchkey:replaced', onChange)
    return () => {
      removeEventListener('hashchange', onChange)
      removeEventListener('latchkey:replaced', onChange)
    }
  }, [])
  return parsed(hash)
}

function parsed (hash: string): Location {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2)
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) }
}

export function navigate (path: string): void {
  location.hash = path
}

/** Sets parts of the query in place, without a step in the browser's history: filters as one types. */
export function replaceQuery (changes: Readonly<Record<string, string>>): void {
  const { path, query } = parsed(location.hash)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name)
    else query.set(name, value)
  }
  history.replaceState(null, '', href(path, query))
  dispatchEvent(new Event('latchkey:replaced'))
}

export function href (path: string, query: URLSearchParams | Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(query).toString()
  return `#${path}${text === '' ? '' : `?${text}`}`
}

/**
 * While `isGuarded`, leaving the view calls `onLeave` with the address that was wanted in place of going there, and
 * closing the tab asks the browser's own question. What it returns goes there after all.
 */
export function useLeaveGuard (isGuarded: boolean, onLeave: (wanted: string) => void): (wanted: string) => void {
  const guard = useRef<Guard>(onLeave)
  const onUnload = useRef((event: BeforeUnloadEvent): void => event.preventDefault())
  const release = (): void => {
    guards.delete(guard.current)
    removeEventListener('beforeunload', onUnload.current)
  }
  useEffect(() => {
    if (!isGuarded) return
    guards.add(guard.current)
    addEventListener('beforeunload', onUnload.current)
    return release
  }, [isGuarded])
  return wanted => {
    release()
    location.hash = wanted
  }
}
