import { isIP, isIPv4 } from 'node:net'
import type { UsagePrivacy } from '../config/config.ts'
import { nothingLeftOut, shortenedUserAgent, truncatedAddress } from './privacy.ts'

/** One request made with a key whose secret was proven. */
export interface UsageRow {
  readonly keyId: number
  /** Id of the route. */
  readonly route: string
  /** The path without the query, or that of the route. */
  readonly endpoint: string
  readonly method: string
  /** 499 for a client that left. */
  readonly statusCode: number
  readonly ipAddress: string | null
  readonly userAgent: string | null
  /** To the end of the response. */
  readonly responseTimeMs: number
  /** Of the request's body. */
  readonly requestBytes: number
  /** Of the response's body, as far as the client was sent it. */
  readonly responseBytes: number
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** The x-request-id that the client saw. */
  readonly requestId: string
}

/** A row as the gateway gives it: with all that it knows. */
export interface RecordedRow extends UsageRow {
  /** The path of the route, as configured: what stands for the client's where that is left out. */
  readonly routePath?: string
}

/**
 * Makes rows such as may be stored: without what is to be left out, cut to the columns' widths, without what Postgres
 * can't hold, and with whatever looks like a key redacted (before the cut, which could leave half a key that nothing
 * recognises). Nothing of a row is written anywhere before.
 */
export class RowCleaner {
  readonly #redact: (text: string) => string
  readonly #privacy: UsagePrivacy
  // What tends to be the same from one request to the next.
  readonly #endpoint: Remembered<string>
  readonly #method: Remembered<string>
  readonly #ipAddress: Remembered<string | null>
  readonly #userAgent: Remembered<string | null>

  /** `redact` gives the same for the same text. */
  constructor (redact: (text: string) => string, privacy: UsagePrivacy = nothingLeftOut) {
    this.#redact = redact
    this.#privacy = privacy
    this.#endpoint = new Remembered((text) => cleanText(text, endpointCharactersMax, redact))
    this.#method = new Remembered((text) => cleanText(text, methodCharactersMax, redact))
    this.#ipAddress = new Remembered<string | null>(cleanAddress, clientsMax, privacy.addresses === 'truncated' ? truncatedAddress : asItIs)
    this.#userAgent = new Remembered<string | null>((text) => cleanText(text, userAgentCharactersMax, redact), clientsMax, privacy.userAgents === 'shortened' ? shortenedUserAgent : asItIs)
  }

  /** Throws what `redact` throws. */
  clean (row: RecordedRow): UsageRow {
    const { addresses, userAgents, paths } = this.#privacy
    return {
      keyId: row.keyId,
      route: row.route,
      endpoint: this.#endpoint.of(paths === 'routePattern' ? row.routePath ?? '' : row.endpoint),
      method: this.#method.of(row.method),
      statusCode: int4(row.statusCode),
      ipAddress: row.ipAddress === null || addresses === 'dropped' ? null : this.#ipAddress.of(row.ipAddress),
      userAgent: row.userAgent === null || userAgents === 'dropped' ? null : this.#userAgent.of(row.userAgent),
      responseTimeMs: int4(row.responseTimeMs),
      requestBytes: row.requestBytes,
      responseBytes: row.responseBytes,
      createdAtMs: row.createdAtMs,
      requestId: cleanText(row.requestId, requestIdCharactersMax, this.#redact),
    }
  }
}

const endpointCharactersMax = 255
const methodCharactersMax = 10
const userAgentCharactersMax = 512
const requestIdCharactersMax = 128
/** Far more than any column holds: bounds what redaction has to read. */
const readCharactersMax = 4096
const int4Max = 2_147_483_647
/** Many clients come by turns: so many addresses and user agents are remembered, none of them a long one. */
const clientsMax = 500
const rememberedCharactersMax = 512

/**
 * Remembers texts that were found to be clean, the last and a number of those before, and what is stored for them: what
 * looks like a key isn't kept. Copies, as a text may be a part of a whole request, which would be kept with it.
 */
class Remembered<Stored extends string | null> {
  readonly #clean: (text: string) => Stored
  readonly #textsMax: number
  readonly #shorten: (cleaned: Stored & string) => Stored
  readonly #texts = new Map<string, Stored>()
  #last: string | null = null
  #storedForLast: Stored | null = null

  constructor (clean: (text: string) => Stored, textsMax = 0, shorten: (cleaned: Stored & string) => Stored = asItIs) {
    this.#clean = clean
    this.#textsMax = textsMax
    this.#shorten = shorten
  }

  /** What is stored: the text as `clean` leaves it, shortened. */
  of (text: string): Stored {
    if (text === this.#last) return this.#storedForLast as Stored
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    const cleaned = this.#clean(text)
    const stored = cleaned === null ? cleaned : this.#shorten(cleaned)
    if (cleaned === text && text.length <= rememberedCharactersMax) this.#remember(Buffer.from(text).toString(), stored)
    return stored
  }

  #remember (copy: string, stored: Stored): void {
    if (stored === copy) stored = copy as Stored
    this.#last = copy
    this.#storedForLast = stored
    if (this.#textsMax === 0) return
    if (this.#texts.size >= this.#textsMax) this.#texts.clear()
    this.#texts.set(copy, stored)
  }
}

function asItIs<Text> (text: Text): Text {
  return text
}

function cleanText (text: string, charactersMax: number, redact: (text: string) => string): string {
  const read = text.length > readCharactersMax ? text.slice(0, readCharactersMax) : text
  const redacted = redact(read.includes('\0') ? read.replaceAll('\0', '') : read)
  return redacted.length > charactersMax ? cut(redacted, charactersMax) : redacted
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
