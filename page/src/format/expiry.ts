const dayMs = 86_400_000

export type ExpiryChoice = 'keep' | 'never' | '7d' | '30d' | '90d' | '365d' | 'date'

export interface Expiry {
  readonly choice: ExpiryChoice
  /** `2026-01-31`, when `choice` is `date`. */
  readonly date: string
}

export const expiryPresets: readonly { readonly id: ExpiryChoice, readonly label: string }[] = [
  { id: 'never', label: 'Never' },
  { id: '7d', label: '7 days' },
  { id: '30d', label: '30 days' },
  { id: '90d', label: '90 days' },
  { id: '365d', label: '1 year' },
  { id: 'date', label: 'On a date' },
]

/** Null: never. A date means its end, in the reader's time zone. Undefined: no date was entered. */
export function expiresAtOf ({ choice, date }: Expiry, nowMs = Date.now()): string | null | undefined {
  if (choice === 'never' || choice === 'keep') return null
  if (choice !== 'date') return new Date(nowMs + Number.parseInt(choice) * dayMs).toISOString()
  const end = new Date(`${date}T23:59:59`)
  return Number.isNaN(end.getTime()) ? undefined : end.toISOString()
}
