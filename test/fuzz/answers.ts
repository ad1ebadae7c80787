/** The statuses of the answers in what a connection brought back (latin1). Throws an Error where that isn't HTTP. */
export function readAnswers (text: string, mayHoldHead: boolean): number[] {
  const statuses: number[] = []
  for (let at = 0; at < text.length;) {
    const headEnd = text.indexOf('\r\n\r\n', at)
    if (headEnd === -1) throw new Error('a head without its end')
    const [first = '', ...lines] = text.slice(at, headEnd).split('\r\n')
    const status = Number(/^HTTP\/1\.1 ([1-5][0-9]{2}) [ -~]*$/.exec(first)?.[1])
    if (Number.isNaN(status)) throw new Error(`status line ${JSON.stringify(first)}`)
    for (const line of lines) if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t -~\x80-\xff]*$/.test(line)) throw new Error(`header line ${JSON.stringify(line)}`)
    statuses.push(status)
    at = status < 200 || status === 204 || status === 304 ? headEnd + 4 : bodyEnd(text, headEnd + 4, lines, mayHoldHead)
  }
  return statuses
}

function bodyEnd (text: string, start: number, lines: readonly string[], mayHoldHead: boolean): number {
  const valuesOf = (name: string) => lines.filter(line => line.toLowerCase().startsWith(`${name}:`)).map(line => line.slice(name.length + 1).trim())
  const lengths = valuesOf('content-length')
  const codings = valuesOf('transfer-encoding')
  // The answer to a HEAD has the framing and no body: what follows it is the next one, or the end.
  if (mayHoldHead && (start === text.length || text.startsWith('HTTP/1.1 ', start))) return start
  if (lengths.length + codings.length > 1) throw new Error('an answer framed twice')
  if (lengths.length === 1) {
    const end = start + Number(lengths[0])
    if (!/^[0-9]+$/.test(lengths[0]!) || end > text.length) throw new Error(`content-length: ${lengths[0]}, but ${text.length - start} bytes left`)
    return end
  }
  if (codings.length === 0) return text.length
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = parseInt(text.slice(at, lineEnd), 16)
    const end = lineEnd + 2 + size + 2
    if (lineEnd === -1 || Number.isNaN(size) || end > text.length) throw new Error('a chunked answer without its end')
    if (size === 0) return end
    at = end
  }
}
