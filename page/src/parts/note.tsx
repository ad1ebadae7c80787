import type { ComponentChildren } from 'preact'
import { messageOf, Problem } from '../api/problem.ts'
import { Icon } from './icon.tsx'

export function Note ({ tone = 'info', title, children, isAlert = false }: {
  readonly tone?: 'info' | 'warning' | 'bad' | 'good'
  readonly title?: string
  readonly children?: ComponentChildren
  /** Read out at once. */
  readonly isAlert?: boolean
}) {
  return (
    <div class={`note note-${tone}`} {...isAlert && { role: 'alert' }}>
      <Icon name={tone === 'good' ? 'check' : tone === 'info' ? 'clock' : 'warning'} />
      <div>
        {title !== undefined && <p class='note-title'>{title}</p>}
        {children}
      </div>
    </div>
  )
}

/** What failed, with the id by which the gateway's log tells more. */
export function ProblemNote ({ error, onRetry }: { readonly error: unknown, readonly onRetry?: () => void }) {
  const requestId = error instanceof Problem && error.status >= 500 ? error.requestId : null
  return (
    <Note tone='bad' isAlert>
      <p>{messageOf(error)}</p>
      {requestId !== null && <p class='hint'>Request id in the gateway’s log: <code>{requestId}</code></p>}
      {onRetry !== undefined && <button type='button' class='button button-small' onClick={onRetry}>Try again</button>}
    </Note>
  )
}
