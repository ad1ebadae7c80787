import { type Exchange, nameOfOutcome, type Sighting, type Violation } from './exchange.ts'
import { type Circumstances, isVouchedFor, type Verdict, verdictsOf } from './verdicts.ts'

type Finding = Pick<Violation, 'kind' | 'what'>
type Answered = Extract<Exchange['outcome'], { kind: 'answered' }>

const upstreamCodes: readonly unknown[] = ['upstream_unreachable', 'upstream_timeout']
/** What a GET under way is ended with when its key changes: it may have reached the upstream by then. */
const endingCodes: readonly unknown[] = ['key_disabled', 'key_revoked', 'key_expired', 'invalid_key', 'insufficient_scope']
const outageStatus: Readonly<Record<string, number>> = { key_store_unavailable: 503, overloaded: 503, upstream_unreachable: 502, upstream_timeout: 504 }

/**
 * Judges what clients and upstreams saw. Exchanges have to come once every change that began before their end was
 * acknowledged, in the order of their ends.
 */
export class Oracle {
  readonly #circumstances: Circumstances
  /** By gateway process and secret: the last exchange that proved the key there, which must be cached since. */
  readonly #proofs = new Map<string, Exchange>()

  constructor (circumstances: Circumstances) {
    this.#circumstances = circumstances
  }

  /** Violations of one exchange; `sightings` are all that the upstreams saw of it. */
  judge (exchange: Exchange, sightings: readonly Sighting[]): Violation[] {
    const verdicts = verdictsOf(exchange, this.#circumstances)
    const findings = [...this.#judgeOutcome(exchange, verdicts), ...judgeSightings(exchange, sightings, verdicts)]
    if (provesKey(exchange, verdicts)) this.#proofs.set(nameOf(exchange), exchange)
    return findings.map(finding => ({ ...finding, exchange }))
  }

  #judgeOutcome (exchange: Exchange, verdicts: readonly Verdict[]): Finding[] {
    const { gateway, outcome, sentAtMs, endedAtMs } = exchange
    const { timeline } = this.#circumstances
    switch (outcome.kind) {
      case 'aborted': return []
      case 'refused': return timeline.meeting('gateway', gateway, sentAtMs, endedAtMs) === undefined ? [{ kind: 'refused connection', what: 'no gateway was being stopped' }] : []
      case 'broken': {
        const isTargets = timeline.meeting('target', gateway, sentAtMs, endedAtMs) !== undefined
        // Its key changed while the answer was under way.
        const isKeys = verdicts.some(({ kind }) => kind === 'refused') && verdicts.some(({ kind }) => kind === 'forwarded')
        // What may have changed something isn't refused once it was forwarded, but broken off.
        const isExplained = outcome.hasHead ? isTargets || isKeys : isKeys && exchange.method !== 'GET'
        return isExplained ? [] : [{ kind: 'broken connection', what: outcome.why }]
      }
      case 'answered': return this.#judgeAnswer(exchange, outcome, verdicts)
    }
  }

  #judgeAnswer (exchange: Exchange, { status, code, requestId, echo }: Answered, verdicts: readonly Verdict[]): Finding[] {
    const { timeline } = this.#circumstances
    const { gateway, sentAtMs, endedAtMs } = exchange
    const forwards = verdicts.filter(({ kind }) => kind === 'forwarded')
    const isOutage = code !== null && outageStatus[code] === status
    const answer = `${status} ${code ?? ''}`.trim()
    if (requestId !== exchange.id) return [{ kind: 'wrong answer', what: `${answer} with x-request-id ${requestId}` }]
    if (status === 200) {
      if (forwards.length === 0) return [{ kind: 'wrong admission', what: `200, where right is ${list(verdicts)}` }]
      if (echo === null) return [{ kind: 'wrong answer', what: '200 that is not the upstream\'s' }]
      if (echo.requestId !== exchange.id || echo.method !== exchange.method || echo.path !== exchange.path || echo.bodyBytes !== exchange.bodyBytes) {
        return [{ kind: 'wrong answer', what: `200 of another request: ${JSON.stringify(echo)}` }]
      }
      return forwards.some(verdict => isVouchedFor(verdict, echo)) ? [] : [{ kind: 'wrong identity', what: `the client got ${JSON.stringify(echo)}` }]
    }
    if (isOutage && upstreamCodes.includes(code)) {
      if (forwards.length === 0) return [{ kind: 'wrong admission', what: `${answer}, where right is ${list(verdicts)}` }]
      return timeline.meeting('target', gateway, sentAtMs, endedAtMs) === undefined ? [{ kind: 'undeclared outage', what: `${answer}, and every target was well` }] : []
    }
    if (isOutage) {
      if (exchange.credential !== 'key' || verdicts.every(({ route }) => route?.auth !== 'key')) return [{ kind: 'wrong refusal', what: `${answer}, without a key to look for; right is ${list(verdicts)}` }]
      if (timeline.meeting('database', gateway, sentAtMs, endedAtMs) === undefined) return [{ kind: 'undeclared outage', what: `${answer}, and the database was well` }]
      const proof = this.#proofStillGood(exchange)
      return proof === null ? [] : [{ kind: 'cached key refused', what: `${answer}, and ${proof.id} had proven the key there ${sentAtMs - proof.sentAtMs} ms before` }]
    }
    const isRight = verdicts.some(verdict => verdict.kind === 'refused' && verdict.status === status && verdict.code === code)
    return isRight ? [] : [{ kind: 'wrong refusal', what: `${answer}, where right is ${list(verdicts)}` }]
  }

  /** A key that a gateway has proven goes on through an outage there, unless it was changed since. */
  #proofStillGood (exchange: Exchange): Exchange | null {
    const proof = this.#proofs.get(nameOf(exchange))
    if (proof === undefined || proof.endedAtMs >= exchange.sentAtMs) return null
    const { timeline, bulk } = this.#circumstances
    const changed = [exchange.secret, bulk].some(history => history?.isDisturbed(proof.sentAtMs, exchange.endedAtMs, sinceMs => timeline.unnoticedUntilMs(sinceMs, exchange.gateway)))
    return changed ? null : proof
  }
}

function judgeSightings (exchange: Exchange, sightings: readonly Sighting[], verdicts: readonly Verdict[]): Finding[] {
  const { outcome, method } = exchange
  const findings: Finding[] = []
  const forwards = verdicts.filter(({ kind }) => kind === 'forwarded')
  for (const sighting of sightings) {
    // On a public route, Authorization is between the client and the upstream.
    const leaks = sighting.keysIn.filter(header => header !== 'authorization' || verdicts.every(({ route }) => route?.auth !== 'none'))
    if (leaks.length > 0) findings.push({ kind: 'key leaked', what: `${sighting.target} saw a key in ${leaks.join(', ')}` })
    if (forwards.length === 0) findings.push({ kind: 'wrong admission', what: `${sighting.target} got it, where right is ${list(verdicts)}` })
    else if (!forwards.some(verdict => isVouchedFor(verdict, sighting))) findings.push({ kind: 'wrong identity', what: `the upstream saw ${JSON.stringify(sighting)}` })
  }
  const mayHaveBegun = outcome.kind !== 'answered' || outcome.status === 200 || upstreamCodes.includes(outcome.code) || (method === 'GET' && endingCodes.includes(outcome.code))
  if (sightings.length > 0 && !mayHaveBegun) {
    findings.push({ kind: 'refused but forwarded', what: `${nameOfOutcome(exchange)}, and ${sightings.map(({ target }) => target).join(', ')} got it` })
  }
  // A GET is tried once more where the connection failed.
  if (sightings.length > (method === 'GET' ? 2 : 1)) findings.push({ kind: 'forwarded more than once', what: `${sightings.length} times: ${method}` })
  return findings
}

function provesKey ({ secret, outcome }: Exchange, verdicts: readonly Verdict[]): boolean {
  if (secret === null || outcome.kind !== 'answered') return false
  return verdicts.every(({ proven }) => proven !== null) && outcome.status !== 503
}

function nameOf ({ gateway, life, secret }: Exchange): string {
  return `${gateway} ${life} ${secret?.name}`
}

function list (verdicts: readonly Verdict[]): string {
  return [...new Set(verdicts.map(verdict => verdict.kind === 'forwarded' ? '200' : `${verdict.status} ${verdict.code}`))].join(' or ')
}
