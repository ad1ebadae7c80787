import { exactTime, relativeTime } from '../format/time.ts'
import { useNow } from '../state/use-now.ts'

/** Relative, with the exact time as its title; `none` in place of a time that there isn't. */
export function Time ({ at, none = 'Never' }: { readonly at: string | null, readonly none?: string }) {
  const nowMs = useNow()
  if (at === null) return <span class='muted'>{none}</span>
  return <time dateTime={at} title={exactTime(at)}>{relativeTime(at, nowMs)}</time>
}
