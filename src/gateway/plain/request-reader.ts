import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { trimmedSlice } from '../../upstreams/header-lines.ts'
import { headerLinesMax, isHost, plainTarget } from '../sane-request.ts'
import { PlainRequest } from './plain-request.ts'

type NameKind = 'any' | 'host' | 'content-length' | 'connection' | 'not-plain'

interface HeaderName {
  readonly sent: string
  readonly lowerCase: string
  readonly kind: NameKind
}

/** Longer heads are node:http's, which bounds them. */
const headBytesMax = 8_192
const headEnd = '\r\n\r\n'
const version = 'HTTP/1.1\r\n'
const methods: ReadonlyMap<string, string> = new Map(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map(method => [method, method]))
const plainName = /^[A-Za-z0-9-]+$/
/** A byte that no header may hold, or a line's end that isn't CRLF. */
const odd = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n/
const plainLength = /^[0-9]{1,15}$/
/** What changes how a message, or its connection, is to be read. */
const notPlain: ReadonlySet<string> = new Set([
  'expect', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade',
  // Which node:http gives as a list.
  'set-cookie',
])
const namesMax = 1_024
const nameCharactersMax = 64

/**
 * Reads plain requests: those that every reader reads alike, as nearly all are. What it takes, node:http would read
 * with the same result, and sane-request.ts would pass; anything else, anything unusual and anything that hasn't come
 * whole, is left to them. A test holds it to that.
 */
export class RequestReader {
  readonly #names = new Map<string, HeaderName>()
  /** The last Host that was found to be one. */
  #host = ''
  /** Of the request that was read last. */
  headBytes = 0

  /** The request with which the bytes begin and, but for a part of its body, end; null where it isn't plain. */
  read (bytes: Buffer, socket: Socket): PlainRequest | null {
    const text = bytes.toString('latin1', 0, headBytesMax)
    const end = text.indexOf(headEnd)
    if (end === -1) return null
    const head = text.length === end + headEnd.length ? text : text.slice(0, end + headEnd.length)
    if (odd.test(head)) return null

    const methodEnd = head.indexOf(' ')
    const method = methods.get(head.slice(0, methodEnd))
    const targetEnd = head.indexOf(' ', methodEnd + 1)
    if (method === undefined || !head.startsWith(version, targetEnd + 1)) return null
    const target = head.slice(methodEnd + 1, targetEnd)
    if (!target.startsWith('/') || !plainTarget.test(target)) return null

    const headers = { __proto__: null } as unknown as Record<string, string>
    const rawHeaders: string[] = []
    let host: string | null = null
    let bodyBytes = 0
    const linesEnd = end + 2
    for (let at = targetEnd + 1 + version.length; at < linesEnd;) {
      const lineEnd = head.indexOf('\r\n', at)
      const nameEnd = head.indexOf(':', at)
      if (nameEnd === -1 || nameEnd > lineEnd) return null
      const name = this.#nameOf(head.slice(at, nameEnd))
      // Several lines of one name are joined, or dropped, or refused.
      if (name === null || headers[name.lowerCase] !== undefined) return null
      const value = trimmedSlice(head, nameEnd + 1, lineEnd)
      if (name.kind !== 'any') {
        if (name.kind === 'host') host = value
        else if (name.kind === 'content-length') {
          if (!plainLength.test(value)) return null
          bodyBytes = Number(value)
        } else if (name.kind === 'not-plain' || value.toLowerCase() !== 'keep-alive') return null
      }
      headers[name.lowerCase] = value
      rawHeaders.push(name.sent, value)
      at = lineEnd + 2
    }
    if (host === null || rawHeaders.length > headerLinesMax * 2 || !this.#isHost(host)) return null
    // Another request behind it: pipelined.
    if (bytes.length - head.length > bodyBytes) return null
    this.headBytes = head.length
    return new PlainRequest(method, target, headers as IncomingHttpHeaders, rawHeaders, bodyBytes, socket)
  }

  #isHost (text: string): boolean {
    if (text === this.#host) return true
    if (!isHost(text)) return false
    this.#host = copied(text)
    return true
  }

  #nameOf (sent: string): HeaderName | null {
    const known = this.#names.get(sent)
    if (known !== undefined) return known.kind === 'not-plain' ? null : known
    if (sent.length > nameCharactersMax || !plainName.test(sent)) return null
    const lowerCase = copied(sent.toLowerCase())
    const name: HeaderName = { sent: copied(sent), lowerCase, kind: kindOf(lowerCase) }
    if (this.#names.size < namesMax) this.#names.set(name.sent, name)
    return name.kind === 'not-plain' ? null : name
  }
}

function kindOf (lowerCase: string): NameKind {
  if (lowerCase === 'host' || lowerCase === 'content-length' || lowerCase === 'connection') return lowerCase
  return notPlain.has(lowerCase) ? 'not-plain' : 'any'
}

/** A part of a string keeps all of it in memory, and with it the request's key. */
function copied (text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
