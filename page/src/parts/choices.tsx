import { useId } from 'preact/hooks'

/** One of a few, side by side: radio buttons in the look of a switch. */
export function Choices<T extends string> ({ label, value, options, onChange }: {
  readonly label: string
  readonly value: T
  readonly options: readonly { readonly id: T, readonly label: string }[]
  readonly onChange: (value: T) => void
}) {
  const name = useId()
  return (
    <fieldset class='choices'>
      <legend class='visually-hidden'>{label}</legend>
      {options.map(option => (
        <label key={option.id} class='choice'>
          <input type='radio' name={name} value={option.id} checked={option.id === value} onChange={() => onChange(option.id)} />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  )
}
