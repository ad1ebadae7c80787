import { type RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Problem } from '../api/problem.ts'

export interface Faults {
  /** By field; of several at one field the first. */
  readonly of: Readonly<Record<string, string>>
  /** What concerns no field of the form. */
  readonly other: unknown
  /** Shows what was refused at its fields, and puts the focus on the first. */
  show (error: unknown): void
  clear (): void
}

/**
 * What is wrong with a form, by its fields. `fields` maps the body's names to the form's where those differ:
 * `expiresIn` is entered as `expiry`.
 */
export function useFaults (form: RefObject<HTMLElement | null>, fields: Readonly<Record<string, string>> = {}): Faults {
  const [faults, setFaults] = useState<{ of: Readonly<Record<string, string>>, other: unknown }>({ of: {}, other: null })
  const wantsFocus = useRef(false)

  useLayoutEffect(() => {
    if (!wantsFocus.current) return
    wantsFocus.current = false
    const field = form.current?.querySelector('.field-faulty')
    // Of a group the one that is wrong, not merely the first.
    const target = field?.querySelector<HTMLElement>('[aria-invalid=true]') ?? field?.querySelector<HTMLElement>('input, select, textarea') ?? form.current?.querySelector<HTMLElement>('[role=alert]')
    target?.focus()
  }, [faults])

  return {
    ...faults,
    show: error => {
      const of: Record<string, string> = {}
      const unplaced: string[] = []
      for (const { field, detail } of error instanceof Problem ? error.faults : []) {
        const root = field.split('.', 1)[0]!
        const name = fields[root] ?? root
        if (form.current?.querySelector(`[data-field="${CSS.escape(name)}"]`) != null) of[name] ??= detail
        else unplaced.push(detail)
      }
      wantsFocus.current = true
      setFaults({ of, other: Object.keys(of).length === 0 ? error : unplaced.length === 0 ? null : new Error(unplaced.join(' ')) })
    },
    clear: () => setFaults({ of: {}, other: null }),
  }
}

/** As if the API had refused it: for what the form sees by itself. */
export function missing (faults: Readonly<Record<string, string>>): Problem {
  return new Problem({ status: 400, code: 'bad_request', detail: 'The form isn’t complete.', faults: Object.entries(faults).map(([field, detail]) => ({ field, detail })) })
}
