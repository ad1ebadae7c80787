import { type Expiry, type ExpiryChoice, expiresAtOf, expiryPresets } from '../format/expiry.ts'
import { exactTime } from '../format/time.ts'
import { Choices } from './choices.tsx'
import { FieldGroup } from './field.tsx'

export function ExpiryField ({ expiry, kept, fault, onChange }: {
  readonly expiry: Expiry
  /** What stays when it isn't changed, in words; for a key that exists. */
  readonly kept?: string
  readonly fault: string | undefined
  readonly onChange: (expiry: Expiry) => void
}) {
  const presets = kept === undefined ? expiryPresets : [{ id: 'keep' as ExpiryChoice, label: 'As it is' }, ...expiryPresets]
  const at = expiresAtOf(expiry)
  return (
    <FieldGroup name='expiry' label='Expires' fault={fault}>
      <Choices label='Expires' value={expiry.choice} options={presets} onChange={choice => onChange({ ...expiry, choice })} />
      {expiry.choice === 'date' && (
        <label class='date-box'>
          <span class='visually-hidden'>The last day on which it works</span>
          <input type='date' value={expiry.date} aria-invalid={fault !== undefined ? true : undefined} min={new Date().toISOString().slice(0, 10)} onInput={event => onChange({ ...expiry, date: event.currentTarget.value })} />
        </label>
      )}
      <p class='hint'>{expiry.choice === 'keep' ? kept : expiry.choice === 'never' ? 'Works until it is revoked.' : at == null ? 'The last day on which it works.' : `Refused after ${exactTime(at)}.`}</p>
    </FieldGroup>
  )
}
