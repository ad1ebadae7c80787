import { headerLine } from '../upstreams/header-lines.ts'
import type { Grace, KeyRecord } from '../keys/verifier.ts'

/** What no HTTP-date can be later than. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59)
const ownLine = /^(?:deprecation|sunset): .*\r\n/gim

/**
 * Header lines that tell who sent an earlier secret since when it has a successor (RFC 9745), and when it, or its key,
 * ends (RFC 8594).
 */
export function graceLines ({ sinceMs, endsAtMs }: Grace, { expiresAtMs }: KeyRecord): string {
  const sunset = new Date(within(Math.min(endsAtMs, expiresAtMs ?? Infinity)))
  return headerLine('deprecation', `@${Math.floor(within(sinceMs) / 1000)}`) + headerLine('sunset', sunset.toUTCString())
}

/**
 * Such text without an upstream's own of the same names. Those are about what was asked for, and can wait until the
 * client has the new secret; each name has one value, and two lines of it would be read as neither.
 */
export function withoutGraceLines (lines: string): string {
  return lines.replace(ownLine, '')
}

/** Whatever was written into the table by hand. */
function within (ms: number): number {
  return Math.min(Math.max(ms, 0), lastMs)
}
