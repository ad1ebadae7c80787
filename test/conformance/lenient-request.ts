export interface LenientRequest {
  readonly method: string
  readonly target: string
  /** Names in lower case, trimmed. */
  readonly fields: readonly { readonly name: string, readonly value: string }[]
  readonly body: string
  /** Length of the whole request. */
  readonly bytes: number
  /** False: its head is here, its body isn't yet. */
  readonly isComplete: boolean
}

/** The first request in the bytes, as a server would read it that forgives everything; null: not even a head. */
export function readLeniently (bytes: string): LenientRequest | null {
  const start = bytes.length - bytes.trimStart().length
  const blank = /\r?\n\r?\n/.exec(bytes.slice(start))
  if (blank === null) return null
  const headEnd = start + blank.index + blank[0].length
  const [requestLine = '', ...lines] = bytes.slice(start, start + blank.index).split(/\r?\n/)
  const [method = '', target = ''] = requestLine.trim().split(/\s+/)
  const fields = lines.map(line => {
    const colon = line.indexOf(':')
    return { name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() }
  })
  const of = (name: string) => fields.find(field => field.name === name)?.value
  if (/chunked/i.test(of('transfer-encoding') ?? '')) return { method, target, fields, ...chunkedBody(bytes, headEnd) }
  const end = headEnd + (parseInt(of('content-length') ?? '0', 10) || 0)
  return { method, target, fields, body: bytes.slice(headEnd, end), bytes: end, isComplete: end <= bytes.length }
}

function chunkedBody (bytes: string, start: number): { body: string, bytes: number, isComplete: boolean } {
  let body = ''
  for (let offset = start; ;) {
    const lineEnd = bytes.indexOf('\n', offset)
    if (lineEnd === -1) return { body, bytes: bytes.length, isComplete: false }
    const size = parseInt(bytes.slice(offset, lineEnd), 16)
    offset = lineEnd + 1
    if (!(size > 0)) {
      const end = /^(?:[^\r\n]+\r?\n)*\r?\n/.exec(bytes.slice(offset))
      return { body, bytes: offset + (end?.[0].length ?? 0), isComplete: end !== null }
    }
    body += bytes.slice(offset, offset + size)
    offset += size
    if (bytes.startsWith('\r\n', offset)) offset += 2
    else if (bytes[offset] === '\n') offset++
  }
}
