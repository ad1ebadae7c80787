import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon.tsx'

/** In place of what isn't there yet: what it would be, and how to get it. */
export function Empty ({ icon, title, children }: { readonly icon: IconName, readonly title: string, readonly children?: ComponentChildren }) {
  return (
    <div class='empty'>
      <span class='empty-icon'><Icon name={icon} /></span>
      <p class='empty-title'>{title}</p>
      {children}
    </div>
  )
}
