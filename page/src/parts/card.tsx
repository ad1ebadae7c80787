import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export function Card ({ title, note, actions, tone, children }: {
  readonly title: string
  readonly note?: ComponentChildren
  readonly actions?: ComponentChildren
  readonly tone?: 'danger' | 'warning'
  readonly children: ComponentChildren
}) {
  const id = useId()
  return (
    <section class={tone === undefined ? 'card' : `card card-${tone}`} aria-labelledby={id}>
      <div class='card-head'>
        <div>
          <h2 id={id}>{title}</h2>
          {note !== undefined && <p class='hint'>{note}</p>}
        </div>
        {actions}
      </div>
      {children}
    </section>
  )
}
