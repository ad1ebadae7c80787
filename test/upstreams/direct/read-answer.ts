import { HeaderNames } from '../../../src/upstreams/direct/header-names.ts'
import { listedHeaders } from '../../../src/upstreams/header-lines.ts'
import { ResponseParser } from '../../../src/upstreams/direct/response-parser.ts'
import { type Answer, type Head, headOf, type Outcome } from './outcome.ts'

/** What the parser makes of an answer that arrives in these pieces, which end before these offsets. */
export function readAnswer ({ text, isHead, isEnded }: Answer, offsets: Iterable<number> = [], names = new HeaderNames()): Outcome {
  const parser = new ResponseParser(names)
  let head: Head | null = null
  let body = ''
  let idleMs = Infinity
  let isReusable: boolean | null = null
  parser.begin({
    onHead ({ status, lines, contentLength, keepAliveMs }) {
      if (head !== null) throw new Error('two heads')
      idleMs = keepAliveMs ?? Infinity
      const headers = listedHeaders(lines)
      head = headOf(status, contentLength, headers.flatMap((name, i) => i % 2 === 0 ? [[name.toLowerCase(), headers[i + 1]!]] : []))
    },
    onBody (bytes) {
      if (head === null || isReusable !== null || bytes.length === 0) throw new Error('a body out of place')
      body += bytes.toString('latin1')
      // It belongs to the handler: nobody else may read it again.
      bytes.fill('!')
    },
    onEnd (reusable) {
      if (head === null || isReusable !== null) throw new Error('an end out of place')
      // Where a connection is closed soon, a pool leaves it alone.
      isReusable = reusable && idleMs > 2_000
    },
  }, isHead)

  let fault: string | null = null
  let from = 0
  for (const to of [...offsets, text.length]) {
    if (fault === null && to > from) fault = parser.execute(Buffer.from(text.slice(from, to), 'latin1'))
    from = to
  }
  if (fault === null && isEnded && isReusable === null) fault = parser.finish()
  return outcomeOf(fault, head, body, isReusable)
}

function outcomeOf (fault: string | null, head: Head | null, body: string, isReusable: boolean | null): Outcome {
  // Bytes behind an answer are no fault of it.
  if (head !== null && isReusable !== null) return { kind: 'passed', head, body, isReusable: isReusable && fault === null }
  if (fault === null) return { kind: 'waiting', head }
  return head === null ? { kind: 'refused', fault } : { kind: 'broken', fault, head }
}
