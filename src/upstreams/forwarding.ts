import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ProblemCode } from '../errors.ts'
import type { ClientResponse } from './client-response.ts'
import type { OpenPool } from './target.ts'
import type { Upstream } from './upstream.ts'

/** What the gateway decided to send on, and what an engine reports back about it. */
export interface Forwarding {
  readonly upstream: Upstream
  readonly method: string
  /** Origin-form: the raw path, as matched, and the query. */
  readonly path: string
  /** Lines (see header-lines.ts), complete but for Host, and without any that frame the message but Content-Length. */
  readonly headerLines: string
  /** Host to send; null: the target's own. */
  readonly host: string | null
  readonly hasBody: boolean
  readonly bodyBytesMax: number
  /** Milliseconds until the upstream's response head; null until then. Set by the engine. */
  headMs: number | null
  /** The answer is a stream of events (text/event-stream), which has no end of its own. Set by the engine, by the time it passes on what isn't whole yet. */
  isEventStream: boolean
  /** Why the upstream's part failed, before or after the head. Set by the engine. */
  failure: unknown
  /** Ends the upstream's part at once, with this failure; null while it isn't under way. Set by the engine. */
  abort: ((failure: Error) => void) | null
}

/** A request that the gateway has admitted, with its way back. */
export interface Admitted {
  readonly response: ClientResponse
  /** The body that its forwarding says there is. */
  readonly body: RequestBody | null
  /** Goes on with Fastify's own way of it, to an engine's routes; null where Fastify doesn't know it. */
  readonly admit: (() => void) | null
}

/** A request's body as it arrives. */
export interface RequestBody extends Readable {
  readonly headers: IncomingHttpHeaders
  /** All of it has arrived. */
  readonly complete: boolean
}

export interface EngineOptions {
  /** Header lines of a response: those of the upstream that are passed on, and the gateway's own. Called when a response's head is written, which it may make its connection's last. */
  responseLinesOf (admitted: Admitted, passedOn: string): string
  /** Called at most once, when no response head was sent yet. */
  onFailure (admitted: Admitted, code: ProblemCode): void
  /** Of a request that came Fastify's way. */
  admittedOf (request: FastifyRequest): Admitted
  forwardingOf (request: FastifyRequest): Forwarding
}

/**
 * Carries admitted requests to their upstreams and the answers back, streaming both. Requests reach an engine only
 * through the gateway's checks.
 */
export interface Engine {
  /** The engine's own connections to a target of an upstream. */
  readonly openPool: OpenPool
  /** Whether it needs `Admitted.admit`, and so can't carry requests that don't come through Fastify. */
  readonly needsFastify: boolean
  /** Called once, before the gateway listens: an engine may add routes to its Fastify instance. */
  register (app: FastifyInstance, options: EngineOptions): Promise<void>
  /** Takes over an admitted request. */
  forward (admitted: Admitted, forwarding: Forwarding): void
}
