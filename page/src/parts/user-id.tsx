/** What people know a user by: the email, else a UUID's beginning. All of it to who points at it, or has it read out. */
export function UserId ({ id, email }: { readonly id: string, readonly email: string | null }) {
  if (email !== null) return <span class='user-email' title={`${email}\n${id}`}>{email}</span>
  if (id.length <= 13) return <code>{id}</code>
  return <code class='user-id' title={id}><span aria-hidden='true'>{id.slice(0, 8)}…</span><span class='visually-hidden'>{id}</span></code>
}
