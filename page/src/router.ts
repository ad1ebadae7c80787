import { useEffect, useRef, useState } from 'preact/hooks'

/** Where one is: the address behind `#`, as `#/keys/7?period=7d`. The token is never part of it. */
export interface Location {
  readonly path: string
  readonly query: URLSearchParams
}

/** Asks whoever minds, before the address that `detail` holds is shown: preventing it keeps the view. */
const leaving = 'latchkey:leaving'
const replaced = 'latchkey:replaced'

export function useLocation (): Location {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    let shown = location.hash
    const onChange = (): void => {
      if (location.hash === shown) return
      if (!dispatchEvent(new CustomEvent(leaving, { detail: location.hash, cancelable: true }))) {
        history.replaceState(null, '', shown === '' ? '#/' : shown)
        return
      }
      shown = location.hash
      setHash(shown)
    }
    addEventListener('hashchange', onChange)
    addEventListener(replaced, onChange)
    return () => {
      removeEventListener('hashchange', onChange)
      removeEventListener(replaced, onChange)
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
  dispatchEvent(new Event(replaced))
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
  const release = useRef(() => {})
  useEffect(() => {
    if (!isGuarded) return
    const onUnload = (event: BeforeUnloadEvent): void => event.preventDefault()
    const guard = (event: Event): void => {
      event.preventDefault()
      onLeave((event as CustomEvent<string>).detail)
    }
    addEventListener('beforeunload', onUnload)
    addEventListener(leaving, guard)
    release.current = () => {
      removeEventListener('beforeunload', onUnload)
      removeEventListener(leaving, guard)
    }
    return release.current
  }, [isGuarded])
  return wanted => {
    release.current()
    location.hash = wanted
  }
}
