import { useRef, useState } from 'preact/hooks'
import type { NewSecret, Routes } from '../../api/types.ts'
import { type Expiry, expiresAtOf } from '../../format/expiry.ts'
import { ruleText } from '../../format/scopes.ts'
import { isUser } from '../../format/user.ts'
import { Choices } from '../../parts/choices.tsx'
import { ExpiryField } from '../../parts/expiry-field.tsx'
import { Field, FieldGroup } from '../../parts/field.tsx'
import { Note, ProblemNote } from '../../parts/note.tsx'
import { ScopesField } from '../../parts/scopes-field.tsx'
import { useSession } from '../../session.ts'
import { missing, useFaults } from '../../state/use-faults.ts'
import { useIdempotencyKey } from '../../state/use-idempotency-key.ts'

export function CreateForm ({ routes, onCreated }: { readonly routes: Routes, readonly onCreated: (created: NewSecret) => void }) {
  const { api, gateway } = useSession()
  const form = useRef<HTMLFormElement>(null)
  const [name, setName] = useState('')
  const [userId, setUserId] = useState('')
  const [scopes, setScopes] = useState<readonly string[]>([])
  const [environment, setEnvironment] = useState(gateway.environments[0] ?? 'live')
  const [expiry, setExpiry] = useState<Expiry>({ choice: '90d', date: '' })
  const [description, setDescription] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const faults = useFaults(form, { expiresAt: 'expiry', expiresIn: 'expiry' })
  const idempotencyKeyFor = useIdempotencyKey()

  const openRoutes = routes.data.filter(({ auth, scopes }) => auth !== 'none' && ruleText(scopes) === null).map(({ id }) => id)

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    const expiresAt = expiresAtOf(expiry)
    const lacking = {
      ...name.trim() === '' && { name: 'Give it a name, such as the program that uses it.' },
      ...!isUser(userId.trim()) && { userId: userId.trim() === '' ? 'Whose key is it? An email or a user id.' : 'This is neither an email nor a user id, which is a UUID.' },
      ...expiresAt === undefined && { expiry: 'Pick a day.' },
    }
    if (Object.keys(lacking).length > 0) return faults.show(missing(lacking))
    const body = {
      name: name.trim(),
      userId: userId.trim(),
      scopes,
      ...gateway.environments.length > 0 && { environment },
      ...description.trim() !== '' && { description: description.trim() },
      ...expiry.choice === 'date' ? { expiresAt: expiresAt! } : expiry.choice !== 'never' && { expiresIn: expiry.choice },
    }
    setIsBusy(true)
    faults.clear()
    try {
      onCreated(await api.createKey(body, idempotencyKeyFor(body)))
    } catch (err) {
      faults.show(err)
      setIsBusy(false)
    }
  }

  return (
    <form ref={form} class='card narrow form' onSubmit={submit} autocomplete='off' noValidate>
      <Field name='name' label='Name' fault={faults.of.name} hint='What it is for. Shown wherever the key is.'>
        {described => <input {...described} type='text' value={name} maxLength={255} placeholder='Warehouse sync' onInput={event => setName(event.currentTarget.value)} />}
      </Field>
      <Field name='userId' label='User' fault={faults.of.userId} hint='Their email or id. On Latchkey’s own database an unknown email makes a new user; on yours it has to be there already.'>
        {described => <input {...described} type='text' value={userId} placeholder='ada@example.com' autocapitalize='off' spellcheck={false} onInput={event => setUserId(event.currentTarget.value)} />}
      </Field>
      <ScopesField scopes={scopes} known={routes.scopes} fault={faults.of.scopes} onChange={setScopes} />
      {gateway.environments.length > 1 && (
        <FieldGroup name='environment' label='Environment' fault={faults.of.environment}>
          <Choices label='Environment' value={environment} options={gateway.environments.map(id => ({ id, label: id }))} onChange={setEnvironment} />
          <p class='hint'>The key will begin with <code>{gateway.brand}_{environment}_</code></p>
        </FieldGroup>
      )}
      <ExpiryField expiry={expiry} fault={faults.of.expiry} onChange={setExpiry} />
      <Field name='description' label='Description' isOptional fault={faults.of.description}>
        {described => <textarea {...described} rows={2} value={description} onInput={event => setDescription(event.currentTarget.value)} />}
      </Field>
      {scopes.length === 0 && faults.of.scopes === undefined && (
        <Note title='No scope is chosen'>
          <p>The key will open only routes that ask for no scope: {openRoutes.length === 0 ? 'at present there are none' : `at present ${openRoutes.join(', ')}`}. Scopes can be added later.</p>
        </Note>
      )}
      {faults.other !== null && <ProblemNote error={faults.other} />}
      <div class='form-foot'>
        <a class='button' href='#/keys'>Cancel</a>
        <button type='submit' class='button button-primary' aria-disabled={isBusy}>{isBusy ? 'Creating…' : 'Create key'}</button>
      </div>
    </form>
  )
}
