import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Icon } from './icon.tsx'

/**
 * The browser's own modal dialog: it holds the focus, Esc closes it, and the focus goes back to what opened it.
 * `onClose` is asked, not told: it may keep the dialog open. Another title is another step, and is read from there.
 */
export function Dialog ({ title, onClose, children, isWide = false }: {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  readonly isWide?: boolean
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const element = dialog.current!
    const opener = document.activeElement
    element.showModal()
    // Without a field to begin with, the title is read first and not the button that closes.
    const first = element.querySelector<HTMLElement>('[data-autofocus]') ?? element.querySelector<HTMLElement>('h2')
    first?.focus()
    return () => {
      element.close()
      if (opener instanceof HTMLElement && opener !== document.body && opener.isConnected) opener.focus()
      // What opened it is gone, such as the row of something deleted.
      else document.querySelector('h1')?.focus()
    }
  }, [])
  const shown = useRef(title)
  useEffect(() => {
    if (shown.current !== title) dialog.current?.querySelector('h2')?.focus()
    shown.current = title
  }, [title])
  return (
    <dialog
      ref={dialog}
      class={isWide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={titleId}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
      // Chrome closes at a second Esc whatever the page says.
      onClose={event => { if (event.target === dialog.current && dialog.current?.isConnected) onClose() }}
    >
      <div class='dialog-head'>
        <h2 id={titleId} tabIndex={-1}>{title}</h2>
        <button type='button' class='icon-button' aria-label='Close' title='Close' onClick={onClose}><Icon name='close' /></button>
      </div>
      {children}
    </dialog>
  )
}
