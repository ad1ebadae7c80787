import type { AuthMode, KeyStatus } from '../api/types.ts'

const statusLabels: Readonly<Record<KeyStatus, string>> = { active: 'Active', disabled: 'Disabled', revoked: 'Revoked', expired: 'Expired' }

/** A word and a shape: the colour only repeats them. */
export function StatusBadge ({ status }: { readonly status: KeyStatus }) {
  return (
    <span class={`badge badge-${status}`}>
      <svg viewBox='0 0 8 8' width='8' height='8' aria-hidden='true'>
        {status === 'active' && <circle cx='4' cy='4' r='4' fill='currentColor' />}
        {status === 'disabled' && <circle cx='4' cy='4' r='3.1' fill='none' stroke='currentColor' stroke-width='1.7' />}
        {status === 'revoked' && <path d='m1 1 6 6m0-6-6 6' stroke='currentColor' stroke-width='1.8' stroke-linecap='round' />}
        {status === 'expired' && <path d='M1.2.8h5.6L4 4Zm0 6.4h5.6L4 4Z' fill='currentColor' />}
      </svg>
      {statusLabels[status]}
    </span>
  )
}

const authLabels: Readonly<Record<AuthMode, readonly [label: string, title: string]>> = {
  key: ['Key', 'Needs a valid API key'],
  none: ['Public', 'Open to everybody, without a key'],
  report: ['Report only', 'Lets everything through, and logs and counts what it would have refused'],
}

export function AuthBadge ({ auth }: { readonly auth: AuthMode }) {
  const [label, title] = authLabels[auth]
  return <span class={`badge badge-auth-${auth}`} title={title}>{label}</span>
}
