import { useEffect } from 'preact/hooks'

/** The tab's title, so that a view has a name in the history and to a screen reader. */
export function useTitle (title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Latchkey' : `${title} · Latchkey`
  }, [title])
}
