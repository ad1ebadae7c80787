/** Holds the place of what is loading, so that nothing jumps when it comes. */
export function Skeleton ({ rows = 3, label = 'Loading' }: { readonly rows?: number, readonly label?: string }) {
  return (
    <div class='skeleton' role='status'>
      <span class='visually-hidden'>{label}…</span>
      {Array.from({ length: rows }, (_, index) => <span key={index} class='skeleton-row' aria-hidden='true' />)}
    </div>
  )
}
