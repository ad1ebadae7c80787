import { countOf } from '../format/number.ts'

/** The end of a list: how many there are so far, and more on demand. */
export function LoadMore ({ count, noun, hasMore, isLoading, onMore }: {
  readonly count: number
  readonly noun: string
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly onMore: () => void
}) {
  const plural = noun.endsWith('y') && !noun.endsWith('ey') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return (
    <div class='list-end'>
      <p class='hint' role='status'>{countOf(count)} {count === 1 ? noun : plural} shown{hasMore ? ', there are more' : ''}</p>
      {hasMore && <button type='button' class='button' aria-disabled={isLoading} onClick={onMore}>{isLoading ? 'Loading…' : 'Load more'}</button>}
    </div>
  )
}
