import { isIP, isIPv4 } from 'node:net'

/** One request made with a key whose secret was proven. */
export interface UsageRow {
  readonly keyId: number
  /** Id of the route. */
  readonly route: string
  /** The path without the query. */
  readonly endpoint: string
  readonly method: string
  /** 499 for a client that left. */
  readonly statusCode: number
  readonly ipAddress: string | null
  readonly userAgent: string | null
  /** To the end of the response. */
  readonly responseTimeMs: number
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** The x-request-id that the client saw. */
  readonly requestId: string
}

/**
 * The row as it may be stored: cut to the columns' widths, without what Postgres can't hold, and with whatever looks
 * like a key redacted (before the cut, which could leave half a key that nothing recognises).
 */
export function cleanRow (row: UsageRow, redact: (text: string) => string): UsageRow {
  return {
    keyId: row.keyId,
    route: row.route,
    // Where it had a query, a slice of the target: it would keep all of it alive while the row waits.
    endpoint: copied(cleanText(row.endpoint, endpointCharactersMax, redact)),
    method: cleanText(row.method, methodCharactersMax, redact),
    statusCode: int4(row.statusCode),
    ipAddress: row.ipAddress === null ? null : cleanAddress(row.ipAddress),
    userAgent: row.userAgent === null ? null : cleanText(row.userAgent, userAgentCharactersMax, redact),
    responseTimeMs: int4(row.responseTimeMs),
    createdAtMs: row.createdAtMs,
    requestId: cleanText(row.requestId, requestIdCharactersMax, redact),
  }
}

const endpointCharactersMax = 255
const methodCharactersMax = 10
const userAgentCharactersMax = 512
const requestIdCharactersMax = 128
/** Far more than any column holds: bounds what redaction has to read. */
const readCharactersMax = 4096
const int4Max = 2_147_483_647
const surrogate = /[\ud800-\udfff]/

function cleanText (text: string, charactersMax: number, redact: (text: string) => string): string {
  const read = text.length > readCharactersMax ? text.slice(0, readCharactersMax) : text
  const redacted = redact(read.includes('\0') ? read.replaceAll('\0', '') : read)
  if (redacted.length > charactersMax) return copied(cut(redacted, charactersMax))
  return surrogate.test(redacted) ? copied(redacted) : redacted
}

/** A string of its own, not a slice of a longer one. Lone surrogates become U+FFFD. */
function copied (text: string): string {
  return Buffer.from(text).toString()
}

/** By code points, as Postgres counts: UTF-16's pairs are one character to it. */
function cut (text: string, charactersMax: number): string {
  let end = 0
  for (let characters = 0; characters < charactersMax && end < text.length; characters++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1
  }
  return text.slice(0, end)
}

/** An address in the form that `inet` takes, IPv4 as such; null where there is none. */
function cleanAddress (address: string): string | null {
  const zoneAt = address.indexOf('%')
  const plain = zoneAt === -1 ? address : address.slice(0, zoneAt)
  if (mappedIpv4.test(plain)) {
    const ipv4 = plain.slice(plain.lastIndexOf(':') + 1)
    if (isIPv4(ipv4)) return ipv4
  }
  return isIP(plain) === 0 ? null : plain
}

const mappedIpv4 = /^::ffff:\d+\.\d+\.\d+\.\d+$/i

function int4 (value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.round(value), 0), int4Max)
}
