import { useState } from 'preact/hooks'
import type { ApiKey, NewSecret } from '../../api/types.ts'
import { Note, ProblemNote } from '../../parts/note.tsx'
import { useSession } from '../../session.ts'
import { useIdempotencyKey } from '../../state/use-idempotency-key.ts'

const graces = [
  { id: '0s', label: 'At once', note: 'The old secret is refused from now on. For one that has leaked.' },
  { id: '1h', label: '1 hour', note: 'For one program that you restart yourself.' },
  { id: '24h', label: '24 hours', note: 'For a deployment today.' },
  { id: '7d', label: '7 days', note: 'For several programs, or weekly jobs.' },
  { id: '30d', label: '30 days', note: 'For customers who have to change it themselves.' },
] as const

export function GraceForm ({ apiKey, onRotated, onClose }: { readonly apiKey: ApiKey, readonly onRotated: (secret: NewSecret) => void, readonly onClose: () => void }) {
  const { api } = useSession()
  const [grace, setGrace] = useState<string>('24h')
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const idempotencyKeyFor = useIdempotencyKey()
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    setIsBusy(true)
    setError(null)
    try {
      onRotated(await api.rotate(apiKey.id, grace, idempotencyKeyFor({ grace })))
    } catch (err) {
      setError(err)
      setIsBusy(false)
    }
  }
  return (
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
  )
}
