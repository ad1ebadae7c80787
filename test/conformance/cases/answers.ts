import { type Answered, type Case, type Expectation, head } from '../case.ts'

/** Building blocks of the cases about what an upstream answers. */

export const get = head('GET /x HTTP/1.1')

/** An answer by itself, on a connection that stays open. */
export function answer (statusLine: string, lines: readonly string[] = [], body = ''): string {
  return [statusLine, ...lines, '', body].join('\r\n')
}

/** `200 OK` with these lines and the body `ok` of its length. */
export function ok (...lines: readonly string[]): string {
  return answer('HTTP/1.1 200 OK', [...lines, 'Content-Length: 2'], 'ok')
}

/** `200 OK` with these bytes behind `Transfer-Encoding: chunked`. */
export function chunked (body: string, ...lines: readonly string[]): string {
  return answer('HTTP/1.1 200 OK', [...lines, 'Transfer-Encoding: chunked'], body)
}

/** Answered with a 502 in its place. */
export const replaced: Expectation = { rfc: 'refuse', statuses: [502], code: 'upstream_unreachable', executed: 1 }

/** The same where a front may also mend it: what it then passes on must be this. */
export function replacedOr (...answers: readonly Answered[]): Expectation {
  return { ...replaced, rfc: 'either', answers }
}

/** Broken off, where it had begun before the fault was seen. */
export const brokenOff: Expectation = { rfc: 'refuse', statuses: [200], isCut: true, closes: true, mayBeReplaced: true }

export function passedOn (...answers: readonly Answered[]): Expectation {
  return { rfc: 'serve', statuses: answers.map(({ status = 200 }) => status), executed: answers.length, answers }
}

/** A case of one GET. */
export function answered (name: string, rfc: string, bytes: string, expect: Expectation): Case {
  return { name, rfc, send: get, upstream: { answer: bytes }, expect }
}

/** The same where the upstream ends its side behind the answer. */
export function answeredAndEnded (name: string, rfc: string, bytes: string, expect: Expectation): Case {
  return { name, rfc, send: get, upstream: { answer: [{ write: bytes }, { do: 'end' }] }, expect }
}
