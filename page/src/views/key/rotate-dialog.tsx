import { useState } from 'preact/hooks'
import type { ApiKey, NewSecret as Secret, Routes } from '../../api/types.ts'
import { nameOf } from '../../format/key-fields.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { NewSecret } from '../../parts/new-secret.tsx'
import { Note, ProblemNote } from '../../parts/note.tsx'
import { useLeaveGuard } from '../../router.ts'
import { useSession } from '../../session.ts'
import { useIdempotencyKey } from '../../state/use-idempotency-key.ts'

const graces = [
  { id: '0s', label: 'At once', note: 'The old secret is refused from now on. For one that has leaked.' },
  { id: '1h', label: '1 hour', note: 'For one program that you restart yourself.' },
  { id: '24h', label: '24 hours', note: 'For a deployment today.' },
  { id: '7d', label: '7 days', note: 'For several programs, or weekly jobs.' },
  { id: '30d', label: '30 days', note: 'For customers who have to change it themselves.' },
] as const

/** Asks how long the old secret goes on working; then shows the new one. */
export function RotateDialog ({ apiKey, routes, onChanged, onClose }: {
  readonly apiKey: ApiKey
  readonly routes: Routes | null
  readonly onChanged: () => void
  readonly onClose: () => void
}) {
  const { api } = useSession()
  const [grace, setGrace] = useState<string>('24h')
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [rotated, setRotated] = useState<Secret | null>(null)
  const [isCopied, setIsCopied] = useState(false)
  const [isLeaving, setIsLeaving] = useState(false)
  const idempotencyKeyFor = useIdempotencyKey()
  useLeaveGuard(rotated !== null && !isCopied, () => setIsLeaving(true))

  const close = (): void => {
    if (rotated !== null && !isCopied && !isLeaving) setIsLeaving(true)
    else onClose()
  }
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    setIsBusy(true)
    setError(null)
    try {
      setRotated(await api.rotate(apiKey.id, grace, idempotencyKeyFor({ grace })))
      onChanged()
    } catch (err) {
      setError(err)
    }
    setIsBusy(false)
  }

  if (rotated !== null) {
    return (
      <Dialog key='rotated' title='The new secret' onClose={close} isWide>
        <div class='dialog-body'>
          <NewSecret secret={rotated} routes={routes} onCopied={() => setIsCopied(true)} />
          {isLeaving && !isCopied && <Note tone='bad' isAlert title='You haven’t copied it'><p>It can’t be shown again. Close once more to leave it behind; you would have to rotate anew.</p></Note>}
        </div>
        <div class='dialog-foot'>
          <button type='button' class='button button-primary' onClick={onClose}>I’ve stored it</button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog key='asking' title={`Rotate ${nameOf(apiKey)}`} onClose={close}>
      <form onSubmit={submit}>
        <div class='dialog-body'>
          <p>The key gets a new secret and keeps its id, scopes and history. How long should the old secret go on working?</p>
          <fieldset class='options'>
            <legend class='visually-hidden'>Grace period of the old secret</legend>
            {graces.map(({ id, label, note }) => (
              <label key={id} class='option'>
                <input type='radio' name='grace' value={id} checked={grace === id} data-autofocus={grace === id ? true : undefined} onChange={() => setGrace(id)} />
                <span><span class='option-name'>{label}</span><span class='check-note'>{note}</span></span>
              </label>
            ))}
          </fieldset>
          {grace === '0s' && <Note tone='warning'><p>Programs that hold the old secret fail within a second, and earlier secrets still in their grace end too.</p></Note>}
          {grace !== '0s' && apiKey.expiresAt !== null && <p class='hint'>Never longer than the key itself works.</p>}
          {error !== null && <ProblemNote error={error} />}
        </div>
        <div class='dialog-foot'>
          <button type='button' class='button' onClick={onClose}>Cancel</button>
          <button type='submit' class='button button-primary' aria-disabled={isBusy}>{isBusy ? 'Rotating…' : 'Rotate'}</button>
        </div>
      </form>
    </Dialog>
  )
}
