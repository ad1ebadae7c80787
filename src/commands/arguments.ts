import { InvalidArgumentError } from 'commander'
import { grammars } from '../config/grammar.ts'
import { isoTime } from '../config/iso-time.ts'
import { formatDuration, parseDuration } from '../config/units.ts'
import { keyBytesMax, keyPrefixOf } from '../keys/format.ts'
import { graceMsMax } from '../keys/key-checks.ts'
import { isGrantableScope } from '../keys/scope-names.ts'
import { tokenBrand, tokenPrefixOf } from '../tokens/format.ts'

/** Parsers of option values; each returns the value or throws commander's InvalidArgumentError, which names the option. */

/** For an option that is given several times; keeps each value once. */
export function collectScopes (text: string, earlier: readonly string[] = []): string[] {
  if (text.includes(',')) throw new InvalidArgumentError('Give --scope once for each scope, without commas.')
  if (!isGrantableScope(text)) throw new InvalidArgumentError(`${scopeForm} A key may also hold inventory:* or *.`)
  return [...new Set([...earlier, text])]
}

/** For an option that takes one scope. */
export function oneScope (text: string): string {
  if (!isGrantableScope(text)) throw new InvalidArgumentError(scopeForm)
  return text
}

/** `a,b` in one value. */
export function scopeList (text: string): string[] {
  const scopes = text.split(',').map(scope => scope.trim()).filter(scope => scope !== '')
  const faulty = scopes.find(scope => !isGrantableScope(scope))
  if (faulty !== undefined) throw new InvalidArgumentError(`'${faulty}' is no scope. ${scopeForm}`)
  return scopes
}

const scopeForm = 'A scope looks like inventory:read: lower-case letters, digits, dots, dashes and underscores, in parts divided by colons.'

export function userReference (text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) && !/^[^\s@]+@[^\s@]+$/.test(text)) {
    throw new InvalidArgumentError('A user is a UUID or an email address.')
  }
  return text
}

export function keyName (text: string): string {
  const name = text.trim()
  if (name === '') throw new InvalidArgumentError('A name may not be empty.')
  if ([...name].length > 255) throw new InvalidArgumentError('A name has at most 255 characters.')
  return plainText(name)
}

/** An id or a prefix, dots of a display allowed. A whole key, pasted by mistake, counts as its prefix and goes no further. */
export function keyReference (text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > keyBytesMax) throw new InvalidArgumentError('A key is named by its id or its prefix: 17 or sk_live_a1B2.')
  return text.length > prefixCharsMax ? keyPrefixOf(text) : text
}

/** The width of the key_prefix column. */
const prefixCharsMax = 20

/** A name or a prefix. A whole token, pasted by mistake, counts as its prefix and goes no further. */
export function tokenReference (text: string): string {
  const trimmed = text.trim()
  return trimmed.startsWith(tokenBrand) ? tokenPrefixOf(trimmed) : keyName(trimmed)
}

/** Postgres stores no NUL character in text. */
export function plainText (text: string): string {
  if (text.includes('\0')) throw new InvalidArgumentError('A NUL character is not allowed.')
  return text
}

/** A duration such as `90d`, more than nothing and at most a hundred years; milliseconds. */
export function lifetime (text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('A duration is a whole number and a unit: 30m, 12h, 90d.')
  if (ms <= 0) throw new InvalidArgumentError('The duration must be more than nothing.')
  if (ms > 36_525 * 86_400_000) throw new InvalidArgumentError('The duration may not be over a hundred years.')
  return ms
}

/** How long a replaced secret still works; milliseconds. */
export function gracePeriod (text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('A grace is a whole number and a unit: 30m, 24h, 7d, or 0s for none.')
  if (ms > graceMsMax) throw new InvalidArgumentError(`A grace is ${formatDuration(graceMsMax)} at most.`)
  return ms
}

/** A day or a moment in ISO 8601 that is still to come. */
export function futureTime (text: string): Date {
  const time = isoTime(text)
  if (time === null) throw new InvalidArgumentError('A time is ISO 8601 with its zone: 2030-01-31 or 2030-01-31T12:00:00Z.')
  if (time.getTime() <= Date.now()) throw new InvalidArgumentError('The time has passed already.')
  return time
}

/** A moment in the past: how long ago (`7d`), or a day or a moment in ISO 8601. */
export function pastTime (text: string): Date {
  if (parseDuration(text) !== null) return new Date(Date.now() - lifetime(text))
  const time = isoTime(text)
  if (time === null) throw new InvalidArgumentError('Say how long ago, such as 12h or 7d, or a time in ISO 8601 with its zone: 2030-01-31 or 2030-01-31T12:00:00Z.')
  return time
}

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber (least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d{1,10}$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
    return value
  }
}

/** An id of a usage row, of which there are more than an integer holds. */
export function rowId (text: string): number {
  const id = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(id)) throw new InvalidArgumentError('Expected the id of a row, a whole number.')
  return id
}

/** `404`, or `5xx` for 500 to 599. */
export function statusRange (text: string): { readonly least: number, readonly most: number } {
  if (/^[1-5]xx$/.test(text)) return { least: Number(text[0]) * 100, most: Number(text[0]) * 100 + 99 }
  if (/^[1-5]\d\d$/.test(text)) return { least: Number(text), most: Number(text) }
  throw new InvalidArgumentError('A status is a number such as 404, or a class such as 5xx.')
}

/** The id of a route as a configuration has it, or had it. */
export function routeId (text: string): string {
  if (!new RegExp(grammars.name.pattern).test(text)) throw new InvalidArgumentError(`A route is named by its id, ${grammars.name.means}.`)
  return text
}

export function httpMethod (text: string): string {
  const method = text.toUpperCase()
  if (!/^[A-Z][A-Z-]{0,19}$/.test(method)) throw new InvalidArgumentError('A method is a word such as GET.')
  return method
}

/** A request path as a client sends it, query allowed (it is cut off, since no route sees it). */
export function requestPath (text: string): string {
  if (!text.startsWith('/')) throw new InvalidArgumentError('A path begins with a slash: /inventory/42.')
  return text
}
