import type { ProblemCode } from '../errors.ts'
import { Histogram, type HistogramSnapshot } from './histogram.ts'

/** What the gateway counts while it serves. Costs a few array writes a request; read only when scraped. */
export class GatewayMetrics {
  readonly #routes = new Map<string, RouteSeries>()
  readonly #upstreams = new Map<string, Histogram>()
  readonly #auth = new Map<string, number>()
  readonly #upstreamFailures = new Map<string, Map<string, number>>()
  #pipeliningOverflows = 0

  /** `routeId` is a configured id, or `none` where no route matched: never anything that a client chose. */
  requestFinished (routeId: string, method: string, statusCode: number, durationMs: number): void {
    const series = this.#seriesOf(routeId)
    const codeIndex = Math.trunc(statusCode) - statusCodeMin
    countsOf(series, method)[codeIndex >= 0 && codeIndex < statusCodeCount ? codeIndex : statusCodeCount]! += 1
    series.duration.observe(durationMs / 1000)
  }

  /** `upstream` is its name in the configuration. */
  upstreamFinished (upstream: string, durationMs: number): void {
    this.#durationOf(upstream).observe(durationMs / 1000)
  }

  /** A forwarded request failed by its upstream's fault. `upstream` is its name in the configuration, `code` a problem's. */
  upstreamFailed (upstream: string, code: ProblemCode): void {
    const counts = this.#failuresOf(upstream)
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }

  /** A connection was ended because too many requests waited for their turns. */
  pipeliningOverflowed (): void {
    this.#pipeliningOverflows++
  }

  /** `outcome` is one of a set that the code fixes: a key status, or a refusal's code. */
  authOutcome (outcome: string): void {
    this.#auth.set(outcome, (this.#auth.get(outcome) ?? 0) + 1)
  }

  /** Every combination that was seen. */
  * requests (): Generator<{ route: string, method: string, code: string, count: number }> {
    for (const [route, { countsByMethod }] of this.#routes) {
      for (const [methodIndex, counts] of countsByMethod.entries()) {
        if (counts === undefined) continue
        const method = methodLabels[methodIndex] ?? otherMethod
        for (const [codeIndex, count] of counts.entries()) {
          if (count === 0) continue
          const code = codeIndex < statusCodeCount ? String(statusCodeMin + codeIndex) : 'other'
          yield { route, method, code, count }
        }
      }
    }
  }

  * requestDurations (): Generator<readonly [route: string, Histogram]> {
    for (const [route, { duration }] of this.#routes) yield [route, duration]
  }

  upstreamDurations (): Iterable<readonly [upstream: string, Histogram]> {
    return this.#upstreams
  }

  * upstreamFailures (): Generator<{ upstream: string, code: string, count: number }> {
    for (const [upstream, counts] of this.#upstreamFailures) {
      for (const [code, count] of counts) yield { upstream, code, count }
    }
  }

  get pipeliningOverflows (): number {
    return this.#pipeliningOverflows
  }

  authOutcomes (): Iterable<readonly [outcome: string, number]> {
    return this.#auth
  }

  snapshot (): GatewaySnapshot {
    return {
      requests: [...this.requests()],
      requestDurations: Array.from(this.requestDurations(), ([route, duration]) => [route, duration.snapshot()]),
      upstreamDurations: Array.from(this.#upstreams, ([upstream, duration]) => [upstream, duration.snapshot()]),
      upstreamFailures: [...this.upstreamFailures()],
      authOutcomes: [...this.#auth],
      pipeliningOverflows: this.#pipeliningOverflows,
    }
  }

  /** Adds what another process has counted. */
  add (other: GatewaySnapshot): void {
    for (const { route, method, code, count } of other.requests) {
      const codeIndex = code === 'other' ? statusCodeCount : Number(code) - statusCodeMin
      countsOf(this.#seriesOf(route), method)[codeIndex]! += count
    }
    for (const [route, duration] of other.requestDurations) this.#seriesOf(route).duration.add(duration)
    for (const [upstream, duration] of other.upstreamDurations) this.#durationOf(upstream).add(duration)
    for (const { upstream, code, count } of other.upstreamFailures) this.#failuresOf(upstream).set(code, (this.#failuresOf(upstream).get(code) ?? 0) + count)
    for (const [outcome, count] of other.authOutcomes) this.#auth.set(outcome, (this.#auth.get(outcome) ?? 0) + count)
    this.#pipeliningOverflows += other.pipeliningOverflows
  }

  #seriesOf (route: string): RouteSeries {
    let series = this.#routes.get(route)
    if (series === undefined) this.#routes.set(route, series = newRouteSeries())
    return series
  }

  #durationOf (upstream: string): Histogram {
    let duration = this.#upstreams.get(upstream)
    if (duration === undefined) this.#upstreams.set(upstream, duration = new Histogram())
    return duration
  }

  #failuresOf (upstream: string): Map<string, number> {
    let counts = this.#upstreamFailures.get(upstream)
    if (counts === undefined) this.#upstreamFailures.set(upstream, counts = new Map())
    return counts
  }
}

/** What one process has counted, for another. */
export interface GatewaySnapshot {
  readonly requests: readonly { readonly route: string, readonly method: string, readonly code: string, readonly count: number }[]
  readonly requestDurations: readonly (readonly [route: string, HistogramSnapshot])[]
  readonly upstreamDurations: readonly (readonly [upstream: string, HistogramSnapshot])[]
  readonly upstreamFailures: readonly { readonly upstream: string, readonly code: string, readonly count: number }[]
  readonly authOutcomes: readonly (readonly [outcome: string, count: number])[]
  readonly pipeliningOverflows: number
}

interface RouteSeries {
  /** By index in `methodLabels`, then by status code; made when first needed. */
  readonly countsByMethod: (Float64Array | undefined)[]
  readonly duration: Histogram
}

const otherMethod = 'OTHER'
const methodLabels = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', otherMethod]
const otherMethodIndex = methodLabels.length - 1
const methodIndexes: ReadonlyMap<string, number> = new Map(methodLabels.map((method, index) => [method, index]))
const statusCodeMin = 100
const statusCodeCount = 500

function newRouteSeries (): RouteSeries {
  return { countsByMethod: new Array<Float64Array | undefined>(methodLabels.length).fill(undefined), duration: new Histogram() }
}

function countsOf (series: RouteSeries, method: string): Float64Array {
  const methodIndex = methodIndexes.get(method) ?? otherMethodIndex
  let counts = series.countsByMethod[methodIndex]
  if (counts === undefined) series.countsByMethod[methodIndex] = counts = new Float64Array(statusCodeCount + 1)
  return counts
}
