import type { Fault } from './strict-request.ts'

export interface Field {
  /** Lower case. */
  readonly name: string
  readonly value: string
}

export interface Framing {
  readonly isChunked: boolean
  /** Null: no Content-Length. */
  readonly bodyBytes: number | null
  /** Framed in more than one way, or by a version that has no such framing: nothing may follow it. */
  readonly isAmbiguous: boolean
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const regName = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]*)?$/
const ipLiteral = /^\[(?:[0-9A-Fa-f:.]+|v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\](?::[0-9]*)?$/
const chunkLine = /^([0-9A-Fa-f]+)((?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*)$/
const looseChunkLine = /^([0-9A-Fa-f]+)(?:[ \t;].*)?$/
/** Below it, numbers are exact. */
const bytesMax = Number.MAX_SAFE_INTEGER

/** Reads field lines up to the empty line; `end` is behind it, or null where the bytes end before. */
export function readFields (bytes: string, start: number, faults: Fault[]): { fields: Field[], end: number | null } {
  const fields: Field[] = []
  const mend = (text: string) => faults.push({ level: 'mend', text })
  for (let offset = start; ;) {
    const lineEnd = bytes.indexOf('\n', offset)
    if (lineEnd === -1) return { fields, end: null }
    const isBare = bytes[lineEnd - 1] !== '\r' || lineEnd === offset
    const line = bytes.slice(offset, isBare ? lineEnd : lineEnd - 1)
    offset = lineEnd + 1
    if (isBare) mend('a bare LF ends a line')
    if (line === '') return { fields, end: offset }
    if (/^[ \t]/.test(line)) {
      mend('a folded line')
      const last = fields.pop()
      if (last !== undefined) fields.push({ name: last.name, value: `${last.value} ${line.trim()}` })
      continue
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    if (colon < 1 || !token.test(name)) {
      // Whitespace before the colon must be refused (RFC 9112, 5.1); any other line that is none may be left out.
      if (/^[^ \t]+[ \t]+$/.test(name)) faults.push({ level: 'refuse', text: 'whitespace before the colon' })
      else mend('an invalid field name')
      continue
    }
    const field = { name: name.toLowerCase(), value: line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '') }
    const fault = fieldFault(field)
    if (fault !== null) mend(fault)
    fields.push(field)
  }
}

/** Control characters in a value may be replaced by who rebuilds the message, never passed on. */
export function fieldFault ({ name, value }: Field): string | null {
  return [...value].some(isControl) ? `a control character in ${name}` : null
}

export function authorityFault (authority: string): string | null {
  return regName.test(authority) || ipLiteral.test(authority) ? null : 'an invalid host'
}

function isControl (character: string): boolean {
  return (character < ' ' && character !== '\t') || character === '\x7f'
}

/** How the body of a message is framed (RFC 9112, 6). */
export function framingOf (fields: readonly Field[], isVersion10: boolean, faults: Fault[]): Framing {
  const coding = joined(fields, 'transfer-encoding')
  const length = joined(fields, 'content-length')
  let bodyBytes: number | null = null
  if (length !== null) {
    const [first = '', ...others] = length.split(',').map(item => item.trim())
    const isNumber = /^[0-9]+$/.test(first)
    if (!isNumber || others.some(item => item !== first)) faults.push({ level: 'refuse', text: 'an invalid Content-Length' })
    else if (others.length > 0) faults.push({ level: 'mend', text: 'a repeated Content-Length' })
    bodyBytes = isNumber ? Number(first) : null
  }
  if (coding === null) return { isChunked: false, bodyBytes, isAmbiguous: false }
  const codings = coding.toLowerCase().split(',').map(item => item.trim()).filter(item => item !== '')
  if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') !== codings.length - 1) faults.push({ level: 'refuse', text: 'an invalid Transfer-Encoding' })
  if (length !== null) faults.push({ level: 'mend', text: 'Transfer-Encoding beside Content-Length' })
  if (isVersion10) faults.push({ level: 'mend', text: 'Transfer-Encoding in HTTP/1.0' })
  return { isChunked: true, bodyBytes: null, isAmbiguous: length !== null || isVersion10 }
}

/** Reads a chunked body; `end` is behind its trailers, or null where the bytes end before or can't be read. */
export function readChunked (bytes: string, start: number, faults: Fault[]): { body: string, trailers: Field[], end: number | null } {
  let body = ''
  const broken = (text: string) => {
    faults.push({ level: 'refuse', text })
    return { body, trailers: [], end: null }
  }
  for (let offset = start; ;) {
    const lineEnd = bytes.indexOf('\n', offset)
    if (lineEnd === -1) return { body, trailers: [], end: null }
    const isBare = bytes[lineEnd - 1] !== '\r' || lineEnd === offset
    const line = bytes.slice(offset, isBare ? lineEnd : lineEnd - 1)
    const [, digits] = chunkLine.exec(line) ?? looseChunkLine.exec(line) ?? []
    const size = parseInt(digits ?? '', 16)
    if (digits === undefined || size > bytesMax) return broken('an invalid chunk size')
    if (!chunkLine.test(line)) faults.push({ level: 'mend', text: 'an invalid chunk extension' })
    if (isBare) faults.push({ level: 'mend', text: 'a bare LF ends a chunk size' })
    offset = lineEnd + 1
    if (size === 0) {
      // Trailers may be discarded, and what is wrong with them, too.
      const trailerFaults: Fault[] = []
      const { fields: trailers, end } = readFields(bytes, offset, trailerFaults)
      for (const { text } of trailerFaults) faults.push({ level: 'mend', text })
      return { body, trailers, end }
    }
    const end = offset + size
    body += bytes.slice(offset, end)
    if (end >= bytes.length) return { body, trailers: [], end: null }
    if (bytes.startsWith('\r\n', end)) offset = end + 2
    else if (end === bytes.length - 1 && bytes[end] === '\r') return { body, trailers: [], end: null }
    else if (bytes[end] === '\n') {
      faults.push({ level: 'mend', text: 'a bare LF ends a chunk' })
      offset = end + 1
    } else return broken('a chunk that does not end where its size says')
  }
}

/** All lines of a name as one list; null: there is none. */
export function joined (fields: readonly Field[], name: string): string | null {
  const values = fields.filter(field => field.name === name).map(({ value }) => value)
  return values.length === 0 ? null : values.join(', ')
}
