import { fieldFault, framingOf, readChunked, readFields, type Field } from './strict-message.ts'
import type { Fault } from './strict-request.ts'

export interface StrictResponse {
  readonly status: number
  readonly fields: readonly Field[]
  readonly body: string
  /** False: the bytes, or the connection, ended before it did. */
  readonly isComplete: boolean
}

export interface ReadResponses {
  /** Interim ones (1xx) included. */
  readonly responses: readonly StrictResponse[]
  readonly faults: readonly string[]
  /** Bytes that belong to no response. */
  readonly rest: string
}

/**
 * Reads what a client received as a sequence of HTTP/1 responses to requests of these methods.
 * `isEnded`: the connection was closed behind the bytes.
 */
export function readResponses (bytes: string, methods: readonly string[], isEnded: boolean): ReadResponses {
  const responses: StrictResponse[] = []
  const faults: Fault[] = []
  const finals = () => responses.filter(isFinal).length
  let offset = 0
  while (offset < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', offset)
    const statusLine = lineEnd === -1 ? null : /^HTTP\/1\.[01] ([0-9]{3})(?: [\t -~\x80-\xff]*)?$/.exec(bytes.slice(offset, lineEnd))
    if (statusLine === null) return { responses, faults: [...textOf(faults), 'no status line'], rest: bytes.slice(offset) }
    const status = Number(statusLine[1])
    const { fields, end } = readFields(bytes, lineEnd + 2, faults)
    for (const field of fields) {
      const fault = fieldFault(field)
      if (fault !== null) faults.push({ level: 'refuse', text: fault })
    }
    if (end === null) {
      responses.push({ status, fields, body: '', isComplete: false })
      break
    }
    const method = methods[finals()] ?? 'GET'
    const isInterim = !isFinal({ status })
    const hasNoBody = isInterim || status === 204 || status === 304 || method === 'HEAD'
    const framing = framingOf(fields, false, faults)
    if (framing.isAmbiguous) faults.push({ level: 'refuse', text: 'framed in two ways' })
    if (status === 101) {
      responses.push({ status, fields, body: bytes.slice(end), isComplete: true })
      break
    }
    if (hasNoBody) {
      if ((isInterim || status === 204) && (framing.isChunked || framing.bodyBytes !== null)) faults.push({ level: 'refuse', text: `a ${status} with a length` })
      responses.push({ status, fields, body: '', isComplete: true })
      offset = end
    } else if (framing.isChunked) {
      const chunked = readChunked(bytes, end, faults)
      responses.push({ status, fields, body: chunked.body, isComplete: chunked.end !== null })
      offset = chunked.end ?? bytes.length
    } else if (framing.bodyBytes !== null) {
      offset = end + framing.bodyBytes
      responses.push({ status, fields, body: bytes.slice(end, offset), isComplete: offset <= bytes.length })
    } else {
      // Until the connection ends.
      responses.push({ status, fields, body: bytes.slice(end), isComplete: isEnded })
      break
    }
  }
  return { responses, faults: textOf(faults), rest: '' }
}

/** Statuses below 100 are no interim ones: they mean nothing. */
export function isFinal ({ status }: { readonly status: number }): boolean {
  return status < 100 || status >= 200
}

function textOf (faults: readonly Fault[]): string[] {
  return faults.map(({ text }) => text)
}
