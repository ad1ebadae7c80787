import type { ComponentChildren } from 'preact'

export function Stats ({ children }: { readonly children: ComponentChildren }) {
  return <dl class='stats'>{children}</dl>
}

/** A number that matters, and what it is made of. */
export function Stat ({ label, value, detail, tone }: { readonly label: string, readonly value: string, readonly detail?: string, readonly tone?: 'bad' }) {
  return (
    <div class={tone === undefined ? 'stat' : `stat stat-${tone}`}>
      <dt>{label}</dt>
      <dd>
        <span class='stat-value'>{value}</span>
        {detail !== undefined && <span class='stat-detail'>{detail}</span>}
      </dd>
    </div>
  )
}
