import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export interface Described {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

/** Label, control, hint and fault, tied together. `name` is the body's field, by which a fault finds its way here. */
export function Field ({ name, label, hint, fault, isOptional = false, children }: {
  readonly name: string
  readonly label: string
  readonly hint?: ComponentChildren
  readonly fault?: string | undefined
  readonly isOptional?: boolean
  readonly children: (described: Described) => ComponentChildren
}) {
  const id = useId()
  const describedBy = [fault !== undefined && `${id}-fault`, hint !== undefined && `${id}-hint`].filter(Boolean).join(' ')
  return (
    <div class={fault === undefined ? 'field' : 'field field-faulty'} data-field={name}>
      <label for={id}>{label}{isOptional && <span class='optional'> Optional</span>}</label>
      {children({ id, 'aria-describedby': describedBy === '' ? undefined : describedBy, 'aria-invalid': fault === undefined ? undefined : true })}
      {fault !== undefined && <p class='fault' id={`${id}-fault`}>{fault}</p>}
      {hint !== undefined && <p class='hint' id={`${id}-hint`}>{hint}</p>}
    </div>
  )
}

/** The same for a group of controls: a legend in place of a label. */
export function FieldGroup ({ name, label, hint, fault, children }: {
  readonly name: string
  readonly label: string
  readonly hint?: ComponentChildren
  readonly fault?: string | undefined
  readonly children: ComponentChildren
}) {
  const id = useId()
  const describedBy = [fault !== undefined && `${id}-fault`, hint !== undefined && `${id}-hint`].filter(Boolean).join(' ')
  return (
    <fieldset class={fault === undefined ? 'field' : 'field field-faulty'} data-field={name} {...describedBy !== '' && { 'aria-describedby': describedBy }}>
      <legend>{label}</legend>
      {fault !== undefined && <p class='fault' id={`${id}-fault`}>{fault}</p>}
      {hint !== undefined && <p class='hint' id={`${id}-hint`}>{hint}</p>}
      {children}
    </fieldset>
  )
}
