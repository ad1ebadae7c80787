import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { ProblemNote } from './note.tsx'

/** Asks before what can't be undone; `phrases`, if given, of which one has to be typed. */
export function Confirm ({ title, action, isDangerous = false, isAllowed = true, phrases = [], onConfirm, onClose, children }: {
  readonly title: string
  /** On the button: what it does, never just "OK". */
  readonly action: string
  readonly isDangerous?: boolean
  /** False while what to decide by isn't known yet. */
  readonly isAllowed?: boolean
  readonly phrases?: readonly string[]
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const [typed, setTyped] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const isReady = isAllowed && (phrases.length === 0 || phrases.includes(typed.trim()))
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!isReady || isBusy) return
    setIsBusy(true)
    setError(null)
    try {
      await onConfirm()
      onClose()
    } catch (err) {
      setError(err)
      setIsBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit} autocomplete='off'>
        <div class='dialog-body'>
          {children}
          {phrases.length > 0 && (
            <div class='field'>
              <label for='confirm-phrase'>Type {phrases.map((phrase, index) => <span key={phrase}>{index > 0 && ' or '}<code>{phrase}</code></span>)} to confirm</label>
              <input id='confirm-phrase' type='text' data-autofocus value={typed} autocapitalize='off' spellcheck={false} onInput={event => setTyped(event.currentTarget.value)} />
            </div>
          )}
          {error !== null && <ProblemNote error={error} />}
        </div>
        <div class='dialog-foot'>
          <button type='button' class='button' onClick={onClose}>Cancel</button>
          <button type='submit' class={isDangerous ? 'button button-danger' : 'button button-primary'} disabled={!isReady} aria-disabled={isBusy}>{action}</button>
        </div>
      </form>
    </Dialog>
  )
}
