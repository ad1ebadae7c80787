/**
 * One exchange with a proxy ("front"), as data: what the client sends, how the upstream answers, and what must come of
 * it. All text is latin1, one character a byte. `{key}` stands for a key that the front admits.
 */
export interface Case {
  readonly name: string
  /** Where the rule is from: 'RFC 9112 §6.3', or 'contract' for a rule of Latchkey's own. */
  readonly rfc: string
  /** Latchkey's own rule: what other fronts do there is shown, and not judged. */
  readonly rule?: 'latchkey'
  /** Written at once, or step by step. */
  readonly send: string | readonly ClientStep[]
  /** How the upstream answers each request of the case; left out: 200 with a small body that names the request. */
  readonly upstream?: UpstreamScript
  readonly expect: Expectation
}

export type ClientStep =
  | { readonly write: string }
  /** Waits until what came back holds the text. */
  | { readonly sees: string }
  /** Waits until what the upstream received holds the text. */
  | { readonly upstreamSees: string }
  /** Waits until the front has closed its connection to the upstream, if it does so soon. */
  | { readonly until: 'upstreamCloses' }
  /** Sends no more, and goes on reading. */
  | { readonly do: 'halfClose' }
  /** Goes away. */
  | { readonly do: 'reset' }

export interface UpstreamScript {
  /** When it answers: once the request is complete, or as soon as its head is there. */
  readonly at?: 'end' | 'head'
  readonly answer: string | readonly UpstreamStep[]
}

export type UpstreamStep =
  | { readonly write: string }
  /** Waits until the client has received the text. */
  | { readonly clientSees: string }
  | { readonly do: 'end' | 'reset' }

export interface Expectation {
  /**
   * What RFC 9110 and 9112 leave to any proxy: `refuse` – nothing of it may arrive; `should refuse` – the same
   * as a SHOULD; `serve` – it must; `either` – it may
   * be refused, or be forwarded as long as what arrives is valid.
   */
  readonly rfc: 'refuse' | 'should refuse' | 'serve' | 'either'
  /** Final statuses that Latchkey answers, in order; empty: it closes the connection without an answer. */
  readonly statuses: readonly number[]
  /** The problem's code in Latchkey's last answer. */
  readonly code?: string
  /** Requests that run to their end at the upstream. Left out: as many as there are statuses below 300. */
  readonly executed?: number
  /** The connection must be closed by the front, without the client closing it first. */
  readonly closes?: true
  /** The last answer is broken off before its end. */
  readonly isCut?: true
  /** Where the fault was seen before anything had been passed on, a 502 may stand in its place. */
  readonly mayBeReplaced?: true
  /** What arrives at the upstream, request by request, whichever front forwards it. */
  readonly received?: readonly Received[]
  /** What the client gets, final answer by final answer, whichever front passes it on. */
  readonly answers?: readonly Answered[]
}

interface Fields {
  /** Lower-case names; the values joined by `, ` where there are several lines. */
  readonly has?: Readonly<Record<string, string>>
  /** Lower-case names, whatever their value. */
  readonly hasSome?: readonly string[]
  readonly lacks?: readonly string[]
  /** Text that no header's value may hold. */
  readonly lacksText?: string
  readonly body?: string
}

export interface Received extends Fields {
  readonly method?: string
  readonly target?: string
}

export interface Answered extends Fields {
  readonly status?: number
}

export interface CaseGroup {
  readonly title: string
  readonly cases: readonly Case[]
}

/** Length of what replaces `{key}`. */
export const keyLength = 46

/** How many bytes a text of a case has once it is sent. */
export function bytesOf (text: string): number {
  return text.replaceAll('{key}', 'x'.repeat(keyLength)).length
}

/** A request head: the request line, a Host and the key, and further lines. */
export function head (requestLine: string, ...lines: readonly string[]): string {
  return [requestLine, 'Host: gateway.test', 'x-api-key: {key}', ...lines, '', ''].join('\r\n')
}

/** A request for a path of its own that no case may execute. */
export const smuggled = head('GET /smuggled HTTP/1.1')

/** It must not be forwarded. */
export function refused (status = 400, code = 'bad_request'): Expectation {
  // The framing of these is clear, so that the connection can be kept.
  const keeps = code === 'ambiguous_path' || code === 'ambiguous_key' || code === 'method_not_allowed'
  return { rfc: 'refuse', statuses: [status], code, executed: 0, ...(keeps ? {} : { closes: true }) }
}

/** It should not be forwarded. */
export function refusedByAdvice (status = 400, code = 'bad_request'): Expectation {
  return { ...refused(status, code), rfc: 'should refuse' }
}

/** The RFCs let it be mended or refused; Latchkey refuses. */
export function refusedHere (status = 400, code = 'bad_request'): Expectation {
  return { ...refused(status, code), rfc: 'either' }
}

/** It is forwarded, though the RFCs would let a front refuse it. */
export function servedHere (...received: readonly Received[]): Expectation {
  return { ...served(...received), rfc: 'either' }
}

export function served (...received: readonly Received[]): Expectation {
  return { rfc: 'serve', statuses: received.length === 0 ? [200] : received.map(() => 200), received }
}
