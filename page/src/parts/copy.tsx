import { useRef, useState } from 'preact/hooks'
import { useToast } from './toasts.tsx'
import { Icon } from './icon.tsx'

const confirmedForMs = 2_000

/** A button that copies `text`; `label` says what that is. */
export function CopyButton ({ text, label, isQuiet = false, onCopied }: {
  readonly text: string
  readonly label: string
  /** Just the icon, with the label for screen readers. */
  readonly isQuiet?: boolean
  readonly onCopied?: () => void
}) {
  const [isCopied, setIsCopied] = useState(false)
  const timer = useRef(0)
  const toast = useToast()
  const copy = async (): Promise<void> => {
    if (!await copyText(text)) {
      toast('Copying isn’t allowed here. Select the text and copy it by hand.', 'bad')
      return
    }
    setIsCopied(true)
    onCopied?.()
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => setIsCopied(false), confirmedForMs)
  }
  return (
    <button type='button' class={`${isQuiet ? 'icon-button' : 'button copy-button'}${isCopied ? ' is-copied' : ''}`} onClick={copy} {...isQuiet && { 'aria-label': label, title: label }}>
      <Icon name={isCopied ? 'check' : 'copy'} />
      {!isQuiet && (isCopied ? 'Copied' : label)}
      {/* Here and not as a toast: a dialog keeps screen readers from what is outside of it. */}
      <span class='visually-hidden' role='status'>{isQuiet && isCopied && 'Copied'}</span>
    </button>
  )
}

/** Whether it worked. Browsers offer the clipboard on HTTPS and loopback only; elsewhere the older way may do. */
async function copyText (text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    field.className = 'visually-hidden'
    // A dialog that is open keeps the focus from anything outside of it.
    const parent = document.querySelector('dialog[open]') ?? document.body
    const focused = document.activeElement
    parent.append(field)
    field.select()
    const isDone = document.execCommand('copy')
    field.remove()
    if (focused instanceof HTMLElement) focused.focus()
    return isDone
  }
}
