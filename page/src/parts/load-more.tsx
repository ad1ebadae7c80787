import { countedOf } from '../format/number.ts'

/** The end of a list: how many there are so far, and more on demand. */
export function LoadMore ({ count, noun, hasMore, isLoading, onMore }: {
  readonly count: number
  readonly noun: string
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly onMore: () => void
}) {
  return (
    <div class='list-end'>
      <p class='hint' role='status'>{countedOf(count, noun)} shown{hasMore ? ', there are more' : ''}</p>
      {hasMore && <button type='button' class='button' aria-disabled={isLoading} onClick={onMore}>{isLoading ? 'Loading…' : 'Load more'}</button>}
    </div>
  )
}
