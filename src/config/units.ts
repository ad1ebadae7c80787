const MS_OF: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES_OF: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** A duration as people write it: a whole number and one unit, `250ms`, `10s`, `5m`, `1h`, `90d`. */
export const DURATION_PATTERN = '^[0-9]{1,12}(ms|s|m|h|d)$'
/** A size as people write it: a whole number and one unit, `512B`, `16KiB`, `10MiB`, `1GiB`. */
export const SIZE_PATTERN = '^[0-9]{1,12}(B|KiB|MiB|GiB)$'

/** Milliseconds, or null where the text is no duration. */
export function parseDuration (text: string): number | null {
  return parse(text, DURATION_PATTERN, MS_OF)
}

/** Bytes, or null where the text is no size. */
export function parseSize (text: string): number | null {
  return parse(text, SIZE_PATTERN, BYTES_OF)
}

/** The shortest text that `parseDuration` reads back as the same whole number of milliseconds. */
export function formatDuration (ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const factor = MS_OF[unit] ?? 1
    if (ms !== 0 && ms % factor === 0) return `${ms / factor}${unit}`
  }
  return `${ms}ms`
}

/** The shortest text that `parseSize` reads back as the same number of bytes. */
export function formatSize (bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const factor = BYTES_OF[unit] ?? 1
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return `${bytes}B`
}

function parse (text: string, pattern: string, units: Readonly<Record<string, number>>): number | null {
  const unit = new RegExp(pattern).exec(text)?.[1]
  if (unit === undefined) return null
  const value = Number(text.slice(0, -unit.length)) * (units[unit] ?? 0)
  return Number.isSafeInteger(value) ? value : null
}
