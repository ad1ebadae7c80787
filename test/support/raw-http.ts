import { sendRaw } from './http.ts'

export interface RawRequest {
  readonly method?: string
  /** The request target, byte for byte (latin1). */
  readonly target?: string
  readonly version?: '1.0' | '1.1'
  /** Lines as they are; `Connection: close` is added. */
  readonly headers?: readonly string[]
  readonly body?: string
}

export interface RawAnswer {
  readonly status: number
  /** Lower-case names; values of repeated lines in one list. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** As it came, a chunked one with its frames. */
  readonly text: string
  /** The problem's code, where the body is one. */
  readonly code: string | undefined
  /** All bytes that came back. */
  readonly raw: string
}

export const host = 'Host: gateway.test'

/** One request written byte for byte, on a connection of its own: what client libraries would mend arrives as it is. */
export async function ask (url: string, request: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'GET', target = '/', version = '1.1', headers = [host], body = '' } = request
  const head = [`${method} ${target} HTTP/${version}`, ...headers, 'Connection: close', '', ''].join('\r\n')
  return parse(await sendRaw(url, Buffer.from(head + body, 'latin1')))
}

function parse (raw: string): RawAnswer {
  const headEnd = raw.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = raw.slice(0, headEnd).split('\r\n')
  const headers: Record<string, string[]> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    headers[name] = [...headers[name] ?? [], line.slice(colon + 1).trim()]
  }
  const text = raw.slice(headEnd + 4)
  // The answer to HEAD has the header and no body.
  const isProblem = headers['content-type']?.[0] === 'application/problem+json' && text !== ''
  return { status: Number(statusLine.split(' ')[1]), headers, text, code: isProblem ? String(JSON.parse(text).code) : undefined, raw }
}
