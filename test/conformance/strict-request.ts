import { authorityFault, fieldFault, framingOf, joined, readChunked, readFields, type Field } from './strict-message.ts'

/** `refuse`: must not be accepted. `mend`: may be accepted by who rebuilds the message, and must not be passed on. */
export interface Fault {
  readonly level: 'refuse' | 'mend'
  readonly text: string
}

export interface StrictRequest {
  readonly method: string
  readonly target: string
  /** `1.1` */
  readonly version: string
  readonly fields: readonly Field[]
  readonly trailers: readonly Field[]
  readonly body: string
  /** False: the bytes ended before it did. */
  readonly isComplete: boolean
  /** Nothing behind it may be read as a request. */
  readonly isLast: boolean
  readonly faults: readonly Fault[]
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ ]+) HTTP\/([0-9])\.([0-9])$/
const looseRequestLine = /^[ \t\v\f\r]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t\v\f\r]+([^ \t\v\f\r]+)[ \t\v\f\r]+HTTP\/([0-9])\.([0-9])[ \t\v\f\r]*$/
/** Printable ASCII but for `#`. RFC 3986 is stricter about a few (`"<>\^{|}`), which browsers send all the same. */
const originForm = /^\/[!"$-~]*$/
const absoluteForm = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)([/?][!"$-~]*)?$/

/**
 * Reads bytes as a sequence of HTTP/1 requests, by RFC 9110 and 9112 and nothing else. Ends behind the first request
 * whose end can't be told or behind which no other may stand; `mend` faults don't end it.
 */
export function readRequests (bytes: string): StrictRequest[] {
  const requests: StrictRequest[] = []
  let offset = 0
  while (offset < bytes.length) {
    const read = readRequest(bytes, offset)
    if (read === null) break
    requests.push(read.request)
    if (!read.request.isComplete || read.request.isLast) break
    offset = read.end
  }
  return requests
}

function readRequest (bytes: string, start: number): { request: StrictRequest, end: number } | null {
  const faults: Fault[] = []
  const mend = (text: string) => faults.push({ level: 'mend', text })
  const refuse = (text: string) => faults.push({ level: 'refuse', text })
  let offset = start
  while (bytes.startsWith('\r\n', offset) || bytes[offset] === '\n') {
    mend('an empty line before the request line')
    offset += bytes[offset] === '\n' ? 1 : 2
  }
  if (offset >= bytes.length) return null
  const lineEnd = bytes.indexOf('\n', offset)
  const line = lineEnd === -1 ? bytes.slice(offset) : bytes.slice(offset, lineEnd).replace(/\r$/, '')
  if (lineEnd !== -1 && bytes[lineEnd - 1] !== '\r') mend('a bare LF ends the request line')
  const exact = requestLine.exec(line)
  if (exact === null) mend('a malformed request line')
  const [, method = '', target = '', major = '', minor = ''] = exact ?? looseRequestLine.exec(line) ?? []
  const request = (more: Partial<StrictRequest>) => ({ method, target, version: `${major}.${minor}`, fields: [], trailers: [], body: '', isComplete: true, isLast: false, faults, ...more })
  if (lineEnd === -1) return { request: request({ isComplete: false }), end: bytes.length }
  if (method === '') refuse('no request line')
  else if (major !== '1') refuse(`version ${major}.${minor}`)
  if (faults.some(isFatal)) return { request: request({ isLast: true }), end: bytes.length }

  const section = readFields(bytes, lineEnd + 1, faults)
  const { fields } = section
  if (section.end === null) return { request: request({ fields, isComplete: false, isLast: true }), end: bytes.length }
  judgeTarget(method, target, refuse)
  judgeHost(fields, minor, refuse)
  const framing = framingOf(fields, minor === '0', faults)
  const options = fields.filter(({ name }) => name === 'connection').flatMap(({ value }) => value.toLowerCase().split(',').map(option => option.trim()))
  const isLast = framing.isAmbiguous || options.includes('close') || (minor === '0' && !options.includes('keep-alive')) || faults.some(isFatal)
  if (faults.some(isFatal)) return { request: request({ fields, isLast }), end: bytes.length }
  if (framing.isChunked) {
    const chunked = readChunked(bytes, section.end, faults)
    const isBroken = faults.some(isFatal)
    return { request: request({ fields, trailers: chunked.trailers, body: chunked.body, isComplete: chunked.end !== null && !isBroken, isLast: isLast || isBroken }), end: chunked.end ?? bytes.length }
  }
  const end = section.end + (framing.bodyBytes ?? 0)
  return { request: request({ fields, body: bytes.slice(section.end, end), isComplete: end <= bytes.length, isLast }), end }
}

/** What is wrong with a request that a proxy sent: any fault, and what no proxy may pass on. `should`: against a SHOULD only. */
export function faultsOfForwarded (request: StrictRequest): { readonly text: string, readonly isShould: boolean }[] {
  const found = request.faults.map(({ text }) => ({ text, isShould: false }))
  const isUpgrade = offersUpgrade(request)
  for (const field of request.fields) {
    const text = fieldFault(field)
    if (text !== null) found.push({ text, isShould: false })
    const { name, value } = field
    if (name === 'connection' && !/^(?:close|keep-alive)?$/i.test(value) && !isUpgrade) found.push({ text: `Connection: ${value}`, isShould: false })
    if (name === 'keep-alive' || name === 'proxy-connection' || name === 'te' || (name === 'upgrade' && !isUpgrade)) found.push({ text: `hop-by-hop ${name}`, isShould: true })
    if (name === 'http2-settings' && !isUpgrade) found.push({ text: 'hop-by-hop http2-settings', isShould: true })
  }
  if (request.version !== '1.0' && request.version !== '1.1') found.push({ text: `version ${request.version}`, isShould: false })
  if (request.method !== 'CONNECT' && !request.target.startsWith('/') && request.target !== '*') found.push({ text: `target ${request.target}`, isShould: false })
  return found
}

/** A proxy may offer an upgrade of its own, as for a tunnel. */
export function offersUpgrade ({ fields }: StrictRequest): boolean {
  return joined(fields, 'upgrade') !== null && /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i.test(joined(fields, 'connection') ?? '')
}

function judgeTarget (method: string, target: string, refuse: (text: string) => void): void {
  if (target === '*') return method === 'OPTIONS' ? undefined : refuse('an asterisk outside OPTIONS')
  if (method === 'CONNECT') return /^[^/?#@]+:[0-9]+$/.test(target) ? undefined : refuse('CONNECT without an authority')
  if (originForm.test(target)) return
  const absolute = absoluteForm.exec(target)
  if (absolute === null) return refuse('an invalid target')
  const fault = authorityFault(absolute[1] ?? '')
  if (fault !== null) refuse(fault)
  else if (/^https?:/i.test(target) && absolute[1] === '') refuse('an empty authority')
}

function judgeHost (fields: readonly Field[], minor: string, refuse: (text: string) => void): void {
  const hosts = fields.filter(({ name }) => name === 'host')
  if (hosts.length > 1) refuse('more than one Host')
  const [host] = hosts
  if (host === undefined) return minor === '0' ? undefined : refuse('no Host')
  const fault = authorityFault(host.value)
  if (fault !== null) refuse(fault)
}

function isFatal ({ level }: Fault): boolean {
  return level === 'refuse'
}
