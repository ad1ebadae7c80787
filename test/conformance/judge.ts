import type { Answered, Case, Received } from './case.ts'
import type { Observation } from './observe.ts'
import { joined, type Field } from './strict-message.ts'
import { faultsOfForwarded, offersUpgrade, readRequests, type StrictRequest } from './strict-request.ts'
import { isFinal, readResponses, type StrictResponse } from './strict-response.ts'
import { sentinelPath } from './upstream.ts'

/** Headers that a proxy should not pass on (RFC 9110, 7.6.1), where a case wants none of them. */
const hop = /^(?:te|keep-alive|proxy-connection|upgrade|trailer|http2-settings|proxy-authenticate|proxy-authentication-info): wanted null/

export type Violation =
  | 'forwarded what is forbidden' | 'second request executed' | 'hung' | 'upset by the exchange' | 'malformed answer'
  | 'changed on its way' | 'refused what is valid' | 'against a SHOULD'

export interface Verdict {
  /** `refused 400`, `closed`, `served`, `mended`, `200 cut` or the statuses in order. */
  readonly outcome: string
  /** Against RFC 9110 and 9112, the same for every front. */
  readonly violations: readonly { readonly kind: Violation, readonly detail: string }[]
  /** Where the outcome isn't what Latchkey's own expectation says. */
  readonly deviations: readonly string[]
}

/** Classes what was observed: the RFCs' rules, which hold for every front, and the case's expectation of Latchkey. */
export function judge (it: Case, observed: Observation): Verdict {
  const violations: { kind: Violation, detail: string }[] = []
  const violate = (kind: Violation, detail: string) => violations.push({ kind, detail })
  const sent = readRequests(observed.sent)
  const forwarded = observed.upstream
    .flatMap(({ received, executed }) => readRequests(received).map((request, i) => ({ request, order: executed[i]?.order ?? Infinity })))
    .sort((one, other) => one.order - other.order)
    .map(({ request }) => request)
    .filter(({ target }) => !target.startsWith(sentinelPath))
  const executed = observed.upstream.flatMap(({ executed }) => executed).filter(({ target }) => !target.startsWith(sentinelPath))
  const { responses, faults, rest } = readResponses(observed.received, sent.map(({ method }) => method), true)
  const finals = responses.filter(isFinal)
  const statuses = finals.map(({ status }) => status)
  const isAnswerCase = it.upstream !== undefined
  // Whoever speaks HTTP/0.9 gets an answer without a head.
  const isHeadless = sent[0]?.version === '.'
  const isCut = finals.some(({ isComplete }) => !isComplete)

  for (const request of forwarded) {
    for (const { text, isShould } of faultsOfForwarded(request)) violate(isShould ? 'against a SHOULD' : 'forwarded what is forbidden', text)
  }
  for (const name of nominated(sent)) {
    if (forwarded.some(request => joined(request.fields, name) !== null && !offersUpgrade(request))) violate('forwarded what is forbidden', `${name}, which Connection names`)
  }
  const sentMax = sent.filter(({ isComplete }) => isComplete).length
  // One without a body and without side effects may be tried again (RFC 9110, 9.2.2).
  const mayRepeat = isAnswerCase && sent.every(({ method, body }) => method !== 'POST' && body === '')
  if (executed.length > sentMax && !mayRepeat) violate('second request executed', `${executed.length} ran of ${sentMax}`)
  if (observed.isHung) violate('hung', 'the connection stayed open')
  if (observed.sentinel !== 'ok') violate('upset by the exchange', JSON.stringify(observed.sentinel.slice(0, 200)))
  if (!isHeadless) for (const text of faults) violate('malformed answer', text)
  if (rest !== '' && !isHeadless) violate('malformed answer', JSON.stringify(rest.slice(0, 80)))
  if (finals.length > Math.max(sent.length, 1)) violate('malformed answer', `${finals.length} answers to ${sent.length} requests`)

  const isServed = isAnswerCase ? wasPassedOn(finals) : executed.length > 0
  const { expect } = it
  if (expect.rfc === 'refuse' && isServed && (isAnswerCase || expect.executed === undefined)) violate('forwarded what is forbidden', isAnswerCase ? 'the answer' : 'the request')
  if (expect.rfc === 'refuse' && !isAnswerCase && executed.length > (expect.executed ?? 0)) violate('forwarded what is forbidden', 'the request')
  if (expect.rfc === 'should refuse' && executed.length > (expect.executed ?? 0)) violate('against a SHOULD', 'the request was forwarded')
  if (expect.rfc === 'serve' && statuses.some(status => status >= 400) && !isExpected(expect.statuses, statuses)) violate('refused what is valid', statuses.join(', '))
  if (isServed) {
    expect.received?.forEach((received, i) => violations.push(...compared(it, received, forwarded[i])))
    if (!statuses.includes(502)) expect.answers?.forEach((answered, i) => violations.push(...compared(it, answered, finals[i])))
  }

  const isFaulty = sent.some(request => request.faults.length > 0)
  return {
    outcome: outcomeOf(statuses, isServed, isFaulty, isCut, observed),
    violations: distinct(violations),
    deviations: deviationsOf(it, observed, { statuses, isCut, executed: executed.length, last: finals.at(-1) }),
  }
}

function outcomeOf (statuses: readonly number[], isServed: boolean, isFaulty: boolean, isCut: boolean, { isHung }: Observation): string {
  if (isHung && statuses.length === 0) return 'hung'
  if (statuses.length === 0) return isServed ? 'ran, no answer' : 'closed'
  const [first] = statuses
  if (statuses.length > 1) return statuses.join(', ')
  if (isCut) return `${first} cut`
  if (first! >= 400) return isServed && first! < 500 ? `ran, ${first}` : `refused ${first}`
  if (!isServed) return String(first)
  return isFaulty ? 'mended' : 'served'
}

function deviationsOf ({ expect }: Case, { isClosedByFront }: Observation, seen: { statuses: readonly number[], isCut: boolean, executed: number, last: StrictResponse | undefined }): string[] {
  const deviations: string[] = []
  const differ = (what: string, wanted: unknown, found: unknown) => deviations.push(`${what}: wanted ${String(wanted)}, found ${String(found)}`)
  if (expect.mayBeReplaced === true && !seen.isCut && isExpected([502], seen.statuses)) return deviations
  if (!isExpected(expect.statuses, seen.statuses)) differ('statuses', expect.statuses, seen.statuses)
  const executed = expect.executed ?? expect.statuses.filter(status => status < 300).length
  if (seen.executed !== executed) differ('executed', executed, seen.executed)
  if (seen.isCut !== (expect.isCut ?? false)) differ('broken off', expect.isCut ?? false, seen.isCut)
  if (expect.closes === true && !isClosedByFront) differ('closed by the front', true, false)
  if (expect.code !== undefined) {
    const code = /"code":"([a-z_]+)"/.exec(seen.last?.body ?? '')?.[1]
    if (code !== expect.code) differ('code', expect.code, code)
  }
  return deviations
}

/** An answer of the upstream's own that reached the client in full, rather than the front's word for a failed one. */
function wasPassedOn (finals: readonly StrictResponse[]): boolean {
  return finals.some(({ status, isComplete }) => isComplete && status !== 502 && status !== 504 && status !== 500)
}

/** Names that the clients' Connection lists nominate, without those that every front writes anew for itself. */
function nominated (requests: readonly StrictRequest[]): string[] {
  const own = new Set(['', 'close', 'keep-alive', 'upgrade', 'host', 'content-length', 'transfer-encoding', 'connection', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'traceparent', 'x-latchkey-key-id', 'x-latchkey-user-id', 'x-latchkey-scopes'])
  return requests.flatMap(({ fields }) => (joined(fields, 'connection') ?? '').toLowerCase().split(',').map(name => name.trim())).filter(name => !own.has(name))
}

function compared ({ expect }: Case, wanted: Received & Answered, found: (StrictRequest | StrictResponse) | undefined): { kind: Violation, detail: string }[] {
  if (found === undefined && expect.rfc === 'either') return []
  return differences(wanted, found).map(detail => ({ kind: hop.test(detail) ? 'against a SHOULD' : 'changed on its way', detail }))
}

function differences (wanted: Received & Answered, found: (StrictRequest | StrictResponse) | undefined): string[] {
  if (found === undefined) return ['nothing arrived']
  const { fields } = found
  const details: string[] = []
  const differ = (what: string, wants: unknown, finds: unknown) => details.push(`${what}: wanted ${JSON.stringify(wants)}, found ${JSON.stringify(finds)}`)
  for (const name of ['method', 'target', 'status', 'body'] as const) {
    const value = name in found ? (found as Readonly<Record<string, unknown>> & typeof found)[name] : undefined
    if (wanted[name] !== undefined && wanted[name] !== value) differ(name, wanted[name], value)
  }
  for (const [name, value] of Object.entries(wanted.has ?? {})) {
    // A fold may be replaced by any number of spaces (RFC 9112, 5.2).
    if (valueOf(fields, name)?.replace(/ +/g, ' ') !== value) differ(name, value, valueOf(fields, name))
  }
  for (const name of wanted.hasSome ?? []) {
    if (valueOf(fields, name) === null) differ(name, 'any', null)
  }
  for (const name of wanted.lacks ?? []) {
    if (valueOf(fields, name) !== null) differ(name, null, valueOf(fields, name))
  }
  const { lacksText } = wanted
  for (const { name, value } of fields) {
    if (lacksText !== undefined && value.includes(lacksText)) differ(name, `nothing of ${lacksText}`, value)
  }
  return details
}

function valueOf (fields: readonly Field[], name: string): string | null {
  return joined(fields, name)
}

function isExpected (wanted: readonly number[], found: readonly number[]): boolean {
  return wanted.length === found.length && wanted.every((status, i) => status === found[i])
}

function distinct<T extends { readonly kind: string, readonly detail: string }> (items: readonly T[]): T[] {
  return [...new Map(items.map(item => [`${item.kind} ${item.detail}`, item])).values()]
}
