import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ProblemCode } from '../errors.ts'
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

export interface EngineOptions {
  /** The forwarding that the gateway attached to a request that it admitted. */
  forwardingOf (request: FastifyRequest): Forwarding
  /** Headers that the gateway puts on every response, over whatever the upstream sent. */
  responseHeadersOf (request: FastifyRequest): Record<string, string>
  /** Called at most once, when no response head was sent yet. */
  onFailure (request: FastifyRequest, reply: FastifyReply, code: ProblemCode): void
}

/**
 * Carries admitted requests to their upstreams and the answers back, streaming both. Requests reach an engine only
 * through the gateway's onRequest hook.
 */
export interface Engine {
  /** The engine's own connections to a target of an upstream. */
  readonly openPool: OpenPool
  /** Called once, before the gateway listens: an engine may add routes to its Fastify instance. */
  register (app: FastifyInstance, options: EngineOptions): Promise<void>
  /** Takes over an admitted request; `admit` goes on with Fastify's own way of it, to the engine's routes. */
  forward (request: FastifyRequest, reply: FastifyReply, admit: () => void): void
}
