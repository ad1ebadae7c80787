import { useId, useState } from 'preact/hooks'
import { doesGrant, groupScopes, isScope } from '../format/scopes.ts'
import { FieldGroup } from './field.tsx'

/** Picks from the scopes that routes ask for, by resource; any other can be typed in. */
export function ScopesField ({ scopes, known, fault, onChange }: {
  readonly scopes: readonly string[]
  /** With the routes that ask for each. */
  readonly known: readonly { readonly scope: string, readonly routes: readonly string[] }[]
  readonly fault: string | undefined
  readonly onChange: (scopes: readonly string[]) => void
}) {
  // One that was typed in stays on offer when it is unticked.
  const [added, setAdded] = useState<readonly string[]>(() => [...scopes])
  const groups = groupScopes(known.map(({ scope }) => scope))
  const offered = new Set(groups.flatMap(({ scopes, wildcard }) => [...scopes, ...wildcard === null ? [] : [wildcard]]))
  const others = [...new Set([...added, ...scopes])].filter(scope => !offered.has(scope))
  const toggle = (scope: string, isHeld: boolean): void => onChange(isHeld ? [...scopes, scope] : scopes.filter(held => held !== scope))
  const box = (scope: string, note: string) => (
    <ScopeBox key={scope} scope={scope} note={note} isHeld={scopes.includes(scope)} grantedBy={scopes.find(held => held !== scope && doesGrant(held, scope)) ?? null} onToggle={toggle} />
  )
  return (
    <FieldGroup name='scopes' label='Scopes' fault={fault} hint={known.length === 0 ? 'No route in force asks for a scope. A key without any opens what needs only a valid key.' : 'What the key may reach. Pick as little as its program needs.'}>
      <div class='scope-groups'>
        {groups.map(({ resource, scopes, wildcard }) => (
          <fieldset key={resource} class='scope-group'>
            <legend>{resource}</legend>
            {scopes.map(scope => box(scope, routesText(known.find(entry => entry.scope === scope)?.routes ?? [])))}
            {wildcard !== null && box(wildcard, 'all of these, and any to come')}
          </fieldset>
        ))}
        {others.length > 0 && (
          <fieldset class='scope-group'>
            <legend>Others</legend>
            {others.map(scope => box(scope, isScope(scope) ? 'no route asks for exactly this' : 'grants nothing: not a scope’s form'))}
          </fieldset>
        )}
      </div>
      <AddScope onAdd={scope => {
        setAdded([...added, scope])
        if (!scopes.includes(scope)) onChange([...scopes, scope])
      }}
      />
    </FieldGroup>
  )
}

function ScopeBox ({ scope, note, isHeld, grantedBy, onToggle }: {
  readonly scope: string
  readonly note: string
  readonly isHeld: boolean
  /** A wider one that is held and makes this one needless. */
  readonly grantedBy: string | null
  readonly onToggle: (scope: string, isHeld: boolean) => void
}) {
  return (
    <label class={grantedBy === null ? 'check' : 'check check-granted'}>
      <input type='checkbox' checked={isHeld} onChange={event => onToggle(scope, event.currentTarget.checked)} />
      <span><span class='check-name'>{scope}</span> <span class='check-note'>{grantedBy === null ? note : `included in ${grantedBy}`}</span></span>
    </label>
  )
}

function AddScope ({ onAdd }: { readonly onAdd: (scope: string) => void }) {
  const id = useId()
  const [text, setText] = useState('')
  const scope = text.trim()
  const isFaulty = scope !== '' && !isScope(scope)
  const add = (): void => {
    if (scope === '' || isFaulty) return
    onAdd(scope)
    setText('')
  }
  return (
    <div class='add-scope'>
      <label for={id}>Another scope</label>
      <div class='with-button'>
        <input
          id={id} type='text' value={text} placeholder='reports:read' autocapitalize='off' spellcheck={false} aria-describedby={`${id}-hint`} aria-invalid={isFaulty ? true : undefined}
          onInput={event => setText(event.currentTarget.value)}
          onKeyDown={event => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            add()
          }}
        />
        <button type='button' class='button' onClick={add}>Add<span class='visually-hidden'> the scope</span></button>
      </div>
      <p class={isFaulty ? 'fault' : 'hint'} id={`${id}-hint`}>{isFaulty ? 'Lower-case letters, digits and . _ - between colons, or a * at the end.' : 'Such as one of a route that is yet to come.'}</p>
    </div>
  )
}

function routesText (routes: readonly string[]): string {
  return routes.length <= 2 ? routes.join(', ') : `${routes.slice(0, 2).join(', ')} and ${routes.length - 2} more`
}
