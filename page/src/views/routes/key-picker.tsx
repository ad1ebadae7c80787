import { useId } from 'preact/hooks'
import { nameOf } from '../../format/key-fields.ts'
import { matchOf, searchTextOf } from '../../format/key-match.ts'
import { Field } from '../../parts/field.tsx'
import { useSession } from '../../session.ts'
import { useDebounced } from '../../state/use-debounced.ts'
import { useLoad } from '../../state/use-load.ts'

const typingMs = 220
const offered = 12

/** A key's id; what is typed is searched among names and prefixes, and the browser offers what was found. */
export function KeyPicker ({ value, fault, onChange }: { readonly value: string, readonly fault: string | undefined, readonly onChange: (id: string) => void }) {
  const { api } = useSession()
  const id = useId()
  const typed = useDebounced(value.trim(), typingMs)
  const isId = /^\d+$/.test(typed)
  const { data } = useLoad(async signal => {
    if (isId) return [(await api.key(Number(typed), signal)).body]
    return (await api.keys({ search: searchTextOf(typed), limit: offered }, signal)).data
  }, [api, typed])
  const chosen = isId ? data?.find(key => String(key.id) === typed) : data === null ? undefined : matchOf(data, typed).key
  return (
    <Field name='keyId' label='Key' fault={fault} hint={chosen === undefined ? 'Its name, prefix or id; a part of one searches.' : `${nameOf(chosen)}, ${chosen.prefix}…, holds ${chosen.scopes.length === 0 ? 'no scopes' : chosen.scopes.join(' ')}`}>
      {described => (
        <>
          <input {...described} type='text' list={id} value={value} autocapitalize='off' spellcheck={false} onInput={event => onChange(event.currentTarget.value)} />
          <datalist id={id}>{data?.map(key => <option key={key.id} value={String(key.id)}>{`${nameOf(key)} (${key.prefix}…)`}</option>)}</datalist>
        </>
      )}
    </Field>
  )
}
