import type { ComponentChildren } from 'preact'
import { useTitle } from '../state/use-title.ts'

/** A view's title, which is the tab's too and takes the focus when one comes here. */
export function ViewHead ({ title, lead, back, badge, children }: {
  readonly title: string
  readonly lead?: ComponentChildren
  readonly back?: { readonly href: string, readonly label: string }
  readonly badge?: ComponentChildren
  /** What can be done here, to the right. */
  readonly children?: ComponentChildren
}) {
  useTitle(title)
  return (
    <header class='view-head'>
      <div class='view-title'>
        {back !== undefined && <p class='back'><a href={back.href}><span aria-hidden='true'>← </span>{back.label}</a></p>}
        <div class='view-name'><h1 tabIndex={-1}>{title}</h1>{badge}</div>
        {lead !== undefined && <div class='lead'>{lead}</div>}
      </div>
      {children !== undefined && <div class='view-actions'>{children}</div>}
    </header>
  )
}
