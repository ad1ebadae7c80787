export type LooseMap = Readonly<Record<string, unknown>>

/** The value where it is a map, else an empty one: faults of type are the schema's to report. */
export function asMap (value: unknown): LooseMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {}
}

/** The value where it is a list, else an empty one. */
export function asList (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value where it is text, else null. */
export function asText (value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
