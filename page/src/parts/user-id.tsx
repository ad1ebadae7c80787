/** A UUID's beginning; all of it to who points at it or has it read out. */
export function UserId ({ id }: { readonly id: string }) {
  if (id.length <= 13) return <code>{id}</code>
  return <code class='user-id' title={id}><span aria-hidden='true'>{id.slice(0, 8)}…</span><span class='visually-hidden'>{id}</span></code>
}
