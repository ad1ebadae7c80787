import { useRef, useState } from 'preact/hooks'
import type { Answer } from '../../api/client.ts'
import { isProblem } from '../../api/problem.ts'
import type { ApiKey, Routes } from '../../api/types.ts'
import { changesBetween, fieldsOf, type KeyFields, nameOf } from '../../format/key-fields.ts'
import { type Expiry, expiresAtOf } from '../../format/expiry.ts'
import { exactTime } from '../../format/time.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { ExpiryField } from '../../parts/expiry-field.tsx'
import { Field } from '../../parts/field.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { ScopesField } from '../../parts/scopes-field.tsx'
import { useToast } from '../../parts/toasts.tsx'
import { useSession } from '../../session.ts'
import { missing, useFaults } from '../../state/use-faults.ts'
import { Conflict } from './conflict.tsx'

/**
 * Changes a key as it was when the dialog was opened: should somebody else have changed it meanwhile, the API refuses,
 * and who edits sees what is there now and decides.
 */
export function EditDialog ({ opened, routes, onChanged, onClose }: {
  readonly opened: Answer<ApiKey>
  readonly routes: Routes
  readonly onChanged: (answer: Answer<ApiKey>) => void
  readonly onClose: () => void
}) {
  const { api } = useSession()
  const toast = useToast()
  const form = useRef<HTMLFormElement>(null)
  // Not what the view goes on refreshing behind the dialog.
  const [base, setBase] = useState(opened)
  const [fields, setFields] = useState(() => fieldsOf(opened.body))
  const [expiry, setExpiry] = useState<Expiry>({ choice: 'keep', date: '' })
  const [metadata, setMetadata] = useState(() => metadataText(opened.body))
  const [conflict, setConflict] = useState<Answer<ApiKey> | null>(null)
  const [isBusy, setIsBusy] = useState(false)
  const faults = useFaults(form, { expiresAt: 'expiry', expiresIn: 'expiry' })
  const set = (changed: Partial<KeyFields>): void => setFields({ ...fields, ...changed })
  const entered = (): KeyFields => ({
    ...fields,
    name: fields.name.trim(),
    description: fields.description?.trim() || null,
    expiresAt: expiry.choice === 'keep' ? base.body.expiresAt : expiresAtOf(expiry) ?? null,
    metadata: metadata === metadataText(base.body) ? base.body.metadata : parsedObject(metadata) ?? {},
  })

  const save = async (etag: string | null): Promise<void> => {
    const lacking = {
      ...fields.name.trim() === '' && { name: 'A key needs a name.' },
      ...expiry.choice === 'date' && expiresAtOf(expiry) === undefined && { expiry: 'Pick a day.' },
      ...parsedObject(metadata) === null && { metadata: 'This isn’t a JSON object.' },
    }
    if (Object.keys(lacking).length > 0) return faults.show(missing(lacking))
    const changes = changesBetween(fieldsOf(base.body), entered())
    if (Object.keys(changes).length === 0) return onClose()
    setIsBusy(true)
    faults.clear()
    try {
      onChanged(await api.changeKey(base.body.id, changes, etag))
      toast('Changes saved')
      onClose()
    } catch (err) {
      setIsBusy(false)
      if (isProblem(err, 'precondition_failed')) await api.key(base.body.id).then(setConflict, faults.show)
      else faults.show(err)
    }
  }

  if (conflict !== null) {
    return (
      <Dialog title='Changed meanwhile' onClose={onClose} isWide>
        <Conflict
          opened={base.body} current={conflict.body} mine={entered()} isBusy={isBusy} error={faults.other}
          onTakeMine={() => save(conflict.etag)}
          onTakeTheirs={() => {
            onChanged(conflict)
            setBase(conflict)
            setFields(fieldsOf(conflict.body))
            setMetadata(metadataText(conflict.body))
            setExpiry({ choice: 'keep', date: '' })
            setConflict(null)
          }}
        />
      </Dialog>
    )
  }
  return (
    <Dialog title={`Edit ${nameOf(base.body)}`} onClose={onClose} isWide>
      <form
        ref={form} autocomplete='off' noValidate onSubmit={event => {
          event.preventDefault()
          if (!isBusy) save(base.etag)
        }}
      >
        <div class='dialog-body form'>
          <Field name='name' label='Name' fault={faults.of.name}>
            {described => <input {...described} type='text' data-autofocus value={fields.name} maxLength={255} onInput={event => set({ name: event.currentTarget.value })} />}
          </Field>
          <Field name='description' label='Description' isOptional fault={faults.of.description}>
            {described => <textarea {...described} rows={2} value={fields.description ?? ''} onInput={event => set({ description: event.currentTarget.value })} />}
          </Field>
          <ScopesField scopes={fields.scopes} known={routes.scopes} fault={faults.of.scopes} onChange={scopes => set({ scopes })} />
          <ExpiryField expiry={expiry} kept={base.body.expiresAt === null ? 'Works until it is revoked.' : `Refused after ${exactTime(base.body.expiresAt)}.`} fault={faults.of.expiry} onChange={setExpiry} />
          <Field name='metadata' label='Metadata' isOptional fault={faults.of.metadata} hint='A JSON object of your own, for your own use.'>
            {described => <textarea {...described} class='mono' rows={3} spellcheck={false} value={metadata} onInput={event => setMetadata(event.currentTarget.value)} />}
          </Field>
          {faults.other !== null && <ProblemNote error={faults.other} />}
        </div>
        <div class='dialog-foot'>
          <button type='button' class='button' onClick={onClose}>Cancel</button>
          <button type='submit' class='button button-primary' aria-disabled={isBusy}>{isBusy ? 'Saving…' : 'Save changes'}</button>
        </div>
      </form>
    </Dialog>
  )
}

function metadataText ({ metadata }: ApiKey): string {
  return Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata, null, 2)
}

function parsedObject (text: string): Record<string, unknown> | null {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null
  } catch {
    return null
  }
}
