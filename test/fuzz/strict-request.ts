export interface StrictRequest {
  readonly method: string
  readonly target: string
  readonly lines: readonly (readonly [name: string, value: string])[]
  /** Where its message ends in the text; null while more has to come. */
  readonly end: number | null
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[!-~]*) HTTP\/1\.1$/
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)$/
const chunkHead = /^([0-9a-fA-F]{1,8})$/

/**
 * The request at the beginning of a connection's text (latin1), read as narrowly as RFC 9112 permits; null before its
 * head has come. Throws an Error at anything that another reader could take for something else.
 */
export function readStrictly (text: string): StrictRequest | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const [first = '', ...rest] = text.slice(0, headEnd).split('\r\n')
  const request = requestLine.exec(first)
  if (request === null) throw new Error(`request line ${JSON.stringify(first)}`)
  const lines = rest.map(line => {
    const field = fieldLine.exec(line)
    if (field === null) throw new Error(`header line ${JSON.stringify(line)}`)
    return [field[1]!.toLowerCase(), field[2]!] as const
  })
  return { method: request[1]!, target: request[2]!, lines, end: bodyEnd(text, headEnd + 4, lines) }
}

function bodyEnd (text: string, start: number, lines: StrictRequest['lines']): number | null {
  const lengths = lines.filter(([name]) => name === 'content-length')
  const codings = lines.filter(([name]) => name === 'transfer-encoding')
  if (lengths.length + codings.length > 1) throw new Error('framed twice')
  if (codings.length === 1) {
    if (codings[0]![1] !== 'chunked') throw new Error(`transfer-encoding: ${codings[0]![1]}`)
    return chunksEnd(text, start)
  }
  if (lengths.length === 0) return start
  const length = lengths[0]![1]
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(length)) throw new Error(`content-length: ${length}`)
  return text.length < start + Number(length) ? null : start + Number(length)
}

function chunksEnd (text: string, start: number): number | null {
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const size = chunkHead.exec(text.slice(at, lineEnd))
    if (size === null) throw new Error(`chunk size ${JSON.stringify(text.slice(at, lineEnd))}`)
    const dataEnd = lineEnd + 2 + parseInt(size[1]!, 16)
    if (text.length < dataEnd + 2) return null
    if (text.slice(dataEnd, dataEnd + 2) !== '\r\n') throw new Error('a chunk without its end, or a trailer')
    if (dataEnd === lineEnd + 2) return dataEnd + 2
    at = dataEnd + 2
  }
}
