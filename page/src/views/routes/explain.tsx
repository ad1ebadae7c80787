import { useEffect, useRef, useState } from 'preact/hooks'
import type { Question, Verdict } from '../../api/types.ts'
import { matchOf, searchTextOf } from '../../format/key-match.ts'
import { Card } from '../../parts/card.tsx'
import { Choices } from '../../parts/choices.tsx'
import { Field } from '../../parts/field.tsx'
import { ProblemNote } from '../../parts/note.tsx'
import { useSession } from '../../session.ts'
import { missing, useFaults } from '../../state/use-faults.ts'
import { KeyPicker } from './key-picker.tsx'
import { VerdictNote } from './verdict.tsx'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
const holders = [{ id: 'key', label: 'A key' }, { id: 'scopes', label: 'Scopes' }, { id: 'nobody', label: 'No key' }] as const
/** Of those that contain what was typed. */
const searchedKeys = 500
type Holder = typeof holders[number]['id']

/** Asks the gateway's own route table what would happen to a request. Nothing is sent to an upstream. */
export function Explain ({ query, scopes: known }: { readonly query: URLSearchParams, readonly scopes: readonly { readonly scope: string }[] }) {
  const { api } = useSession()
  const form = useRef<HTMLFormElement>(null)
  const [method, setMethod] = useState('GET')
  const [path, setPath] = useState('')
  const [host, setHost] = useState('')
  const [holder, setHolder] = useState<Holder>('key')
  const [keyId, setKeyId] = useState(query.get('key') ?? '')
  const [scopes, setScopes] = useState('')
  const [verdict, setVerdict] = useState<{ question: Question, verdict: Verdict } | null>(null)
  const [isBusy, setIsBusy] = useState(false)
  const faults = useFaults(form)
  useEffect(() => setVerdict(null), [method, path, host, holder, keyId, scopes])

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    const lacking = {
      ...!path.startsWith('/') && { path: 'A path begins with /.' },
      ...holder === 'key' && keyId.trim() === '' && { keyId: 'Pick a key, or enter its id, name or prefix.' },
    }
    if (Object.keys(lacking).length > 0) return faults.show(missing(lacking))
    setIsBusy(true)
    faults.clear()
    try {
      const question = await questionAsked()
      if (question !== null) setVerdict({ question, verdict: await api.explain(question) })
    } catch (err) {
      faults.show(err)
    }
    setIsBusy(false)
  }

  /** Null where the key isn't known: then its field says so. */
  const questionAsked = async (): Promise<Question | null> => {
    const id = holder === 'key' ? await idOfKey(keyId.trim()) : undefined
    if (id === null) return null
    return {
      method,
      path,
      ...host.trim() !== '' && { host: host.trim() },
      ...id !== undefined && { keyId: id },
      ...holder === 'scopes' && { scopes: scopes.split(/[\s,]+/).filter(scope => scope !== '') },
    }
  }

  const idOfKey = async (typed: string): Promise<number | null> => {
    if (/^\d+$/.test(typed)) return Number(typed)
    const { data } = await api.keys({ search: searchTextOf(typed), limit: searchedKeys })
    const { key, count } = matchOf(data, typed)
    if (key !== undefined) return key.id
    faults.show(missing({ keyId: count === 0 ? 'No key has exactly this name or prefix. Pick one, or enter its id.' : `${count} keys have this name. Pick one, or enter its id.` }))
    return null
  }

  return (
    <Card title='Try a request' note='What the gateway would answer. Nothing is sent to an upstream.'>
      <form ref={form} class='explain' onSubmit={submit} autocomplete='off' noValidate>
        <div class='explain-request'>
          <Field name='method' label='Method' fault={faults.of.method}>
            {described => <select {...described} value={method} onChange={event => setMethod(event.currentTarget.value)}>{methods.map(name => <option key={name}>{name}</option>)}</select>}
          </Field>
          <Field name='path' label='Path' fault={faults.of.path}>
            {described => <input {...described} type='text' class='mono' value={path} placeholder='/inventory/items' autocapitalize='off' spellcheck={false} onInput={event => setPath(event.currentTarget.value)} />}
          </Field>
          <Field name='host' label='Host' isOptional fault={faults.of.host}>
            {described => <input {...described} type='text' class='mono' value={host} placeholder='api.example.com' autocapitalize='off' spellcheck={false} onInput={event => setHost(event.currentTarget.value)} />}
          </Field>
        </div>
        <div class='explain-holder'>
          <div class='field'>
            <p class='field-label' aria-hidden='true'>With</p>
            <Choices label='With' value={holder} options={holders} onChange={setHolder} />
          </div>
          {holder === 'key' && <KeyPicker value={keyId} fault={faults.of.keyId} onChange={setKeyId} />}
          {holder === 'scopes' && (
            <Field name='scopes' label='Held scopes' fault={faults.of.scopes} hint={known.length === 0 ? undefined : `Such as ${known.slice(0, 3).map(({ scope }) => scope).join(' ')}`}>
              {described => <input {...described} type='text' class='mono' value={scopes} autocapitalize='off' spellcheck={false} onInput={event => setScopes(event.currentTarget.value)} />}
            </Field>
          )}
        </div>
        <div class='explain-foot'>
          <button type='submit' class='button button-primary' aria-disabled={isBusy}>Explain</button>
        </div>
      </form>
      <div role='status'>
        {faults.other !== null && <ProblemNote error={faults.other} />}
        {verdict !== null && <VerdictNote {...verdict} />}
      </div>
    </Card>
  )
}
