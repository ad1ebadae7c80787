import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { faultOfAnswer, hasNoBody } from './answer.ts'
import { BodyLimit } from './body-limit.ts'
import { BadAnswerError, ClientGoneError, isRetryable, UpstreamBusyError } from './failure.ts'
import type { Forwarding } from './forwarding.ts'
import { listedHeaders } from './header-lines.ts'
import type { Target } from './target.ts'
import type { UndiciPool } from './undici-pool.ts'

const kForwarding = Symbol('latchkey.forwarding')
const kClient = Symbol('latchkey.client')

interface CarrierHeaders {
  [kForwarding]: Forwarding
  [kClient]: IncomingMessage
}

type Callback = (err: Error | null, response?: Dispatcher.ResponseData) => void

/**
 * A header object for the plugin to pass through. It has no headers: the plugin copies it with its symbols, and
 * with them what to forward arrives at the UpstreamClient.
 */
export function forwardingHeaders (forwarding: Forwarding, client: IncomingMessage): Record<string, string> {
  const carrier: CarrierHeaders = { [kForwarding]: forwarding, [kClient]: client }
  return carrier as unknown as Record<string, string>
}

/**
 * What @fastify/reply-from takes for an undici instance. Chooses the target, sends with the forwarding's own
 * path, headers, body and time-outs, retries where that is harmless, and aborts when the client goes away.
 */
export class UpstreamClient {
  request (carried: { headers: CarrierHeaders }, callback: Callback): void {
    new Attempt(carried.headers[kForwarding], carried.headers[kClient], callback).send()
  }
}

class Attempt {
  readonly #forwarding: Forwarding
  readonly #client: IncomingMessage
  /** The message lets go of it once its body was read. */
  readonly #clientSocket: Socket
  readonly #callback: Callback
  readonly #startedAtMs = performance.now()
  readonly #abort = new EventEmitter()
  #retriesLeft: number
  #target: Target | null = null

  constructor (forwarding: Forwarding, client: IncomingMessage, callback: Callback) {
    this.#forwarding = forwarding
    this.#client = client
    this.#clientSocket = client.socket
    this.#callback = callback
    // A body that was read once can't be sent again.
    this.#retriesLeft = isIdempotent(forwarding.method) && !forwarding.hasBody ? forwarding.upstream.config.retries : 0
    this.#clientSocket.once('close', this.#onClientClose)
    forwarding.abort = this.#abortWith
  }

  send (): void {
    const target = this.#forwarding.upstream.takeTarget()
    if (target !== null) this.#sendTo(target)
    else queueMicrotask(() => this.#failed(new UpstreamBusyError('every target is busy')))
  }

  #sendTo (target: Target): void {
    const { upstream, method, path, headerLines, host } = this.#forwarding
    this.#target = target
    const options: Dispatcher.RequestOptions & { readonly servername: string } = {
      method: method as Dispatcher.HttpMethod,
      path,
      headers: ['host', host ?? target.host, ...listedHeaders(headerLines)],
      // undici would take it from Host, which the client chooses where a route preserves it.
      servername: target.hostname,
      body: this.#forwarding.hasBody ? this.#body() : null,
      headersTimeout: upstream.config.headersTimeoutMs,
      bodyTimeout: upstream.config.bodyTimeoutMs,
      signal: this.#abort,
    }
    // This engine opened it.
    ;(target.pool as UndiciPool).request(options, (err, response) => {
      if (err === null) this.#answered(response)
      else this.#failed(err)
    })
  }

  readonly #onClientClose = () => this.#abortWith(new ClientGoneError('client went away'))

  readonly #abortWith = (failure: Error) => {
    this.#forwarding.failure ??= failure
    this.#abort.emit('abort')
  }

  #answered (response: Dispatcher.ResponseData): void {
    const { statusCode, headers, body } = response
    const fault = faultOfAnswer(statusCode, headers)
    if (fault !== null) {
      body.on('error', () => {}).destroy()
      this.#failed(new BadAnswerError(fault))
      return
    }
    this.#forwarding.headMs = performance.now() - this.#startedAtMs
    // For undici a 304 that names the length of what it leaves out is a body cut short.
    body.once('error', err => { if (!hasNoBody(statusCode)) this.#forwarding.failure ??= err })
    body.once('close', () => this.#ended())
    this.#callback(null, response)
  }

  #failed (err: Error): void {
    const failed = this.#target
    if (failed !== null) failed.running--
    this.#target = null
    if (this.#retriesLeft > 0 && isRetryable(err) && !this.#clientSocket.destroyed) {
      this.#retriesLeft--
      const other = this.#forwarding.upstream.takeTarget(failed)
      if (other !== null) return this.#sendTo(other)
    }
    this.#ended()
    this.#forwarding.failure ??= err
    this.#callback(err)
  }

  #ended (): void {
    this.#clientSocket.off('close', this.#onClientClose)
    this.#forwarding.abort = null
    if (this.#target !== null) this.#target.running--
    this.#target = null
  }

  #body (): IncomingMessage | BodyLimit {
    if (this.#client.headers['content-length'] !== undefined) return shielded(this.#client)
    const limit = new BodyLimit(this.#forwarding.bodyBytesMax)
    limit.once('error', err => { this.#forwarding.failure ??= err })
    this.#client.once('error', err => limit.destroy(err))
    this.#client.pipe(limit)
    // What comes behind an answer, or a failure, is read and dropped.
    limit.once('close', () => { if (!this.#client.complete) this.#client.resume() })
    return limit
  }
}

/**
 * undici destroys a body that it has no more use for, and with a request of node:http's goes the client's connection,
 * before the answer was sent (undici knows its class, but none derived from it). The rest is read and dropped instead.
 */
function shielded (client: IncomingMessage): IncomingMessage {
  const { destroy } = client
  client.destroy = function (this: IncomingMessage, err?: Error) {
    if (this.socket === null || this.socket.destroyed) return Reflect.apply(destroy, this, [err]) as IncomingMessage
    return this.resume()
  } as IncomingMessage['destroy']
  return client
}

function isIdempotent (method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'PUT' || method === 'DELETE'
}
