import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { BodyLimit } from './body-limit.ts'
import { ClientGoneError, HeadersTimeoutError, isRetryable } from './failure.ts'
import type { Forwarding } from './forwarding.ts'

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
  #interimSinceMs: number | null = null

  constructor (forwarding: Forwarding, client: IncomingMessage, callback: Callback) {
    this.#forwarding = forwarding
    this.#client = client
    this.#clientSocket = client.socket
    this.#callback = callback
    // A body that was read once can't be sent again.
    this.#retriesLeft = isIdempotent(forwarding.method) && !forwarding.hasBody ? forwarding.upstream.config.retries : 0
    this.#clientSocket.once('close', this.#onClientClose)
  }

  send (): void {
    const { upstream, method, path, headers, host } = this.#forwarding
    const target = upstream.nextTarget()
    target.pool.request({
      method: method as Dispatcher.HttpMethod,
      path,
      headers: ['host', host ?? target.host, ...headers],
      body: this.#forwarding.hasBody ? this.#body() : null,
      headersTimeout: upstream.config.headersTimeoutMs,
      bodyTimeout: upstream.config.bodyTimeoutMs,
      onInfo: this.#onInterim,
      signal: this.#abort,
    }, (err, response) => {
      if (err === null) this.#answered(response)
      else this.#failed(err)
    })
  }

  readonly #onClientClose = () => {
    this.#forwarding.failure ??= new ClientGoneError('client went away')
    this.#abort.emit('abort')
  }

  /** Each interim answer (1xx) begins undici's headersTimeout anew, so an upstream could go on sending them for ever. */
  readonly #onInterim = () => {
    if (this.#forwarding.hasBody && !this.#client.complete) return
    const nowMs = performance.now()
    this.#interimSinceMs ??= nowMs
    if (nowMs - this.#interimSinceMs < this.#forwarding.upstream.config.headersTimeoutMs) return
    this.#forwarding.failure ??= new HeadersTimeoutError('interim responses only')
    this.#abort.emit('abort')
  }

  #answered (response: Dispatcher.ResponseData): void {
    this.#forwarding.headMs = performance.now() - this.#startedAtMs
    // For undici a 304 that names the length of what it leaves out is a body cut short.
    response.body.once('error', err => { if (response.statusCode !== 304) this.#forwarding.failure ??= err })
    response.body.once('close', () => this.#clientSocket.off('close', this.#onClientClose))
    this.#callback(null, response)
  }

  #failed (err: Error): void {
    if (this.#retriesLeft > 0 && isRetryable(err) && !this.#clientSocket.destroyed) {
      this.#retriesLeft--
      this.send()
      return
    }
    this.#clientSocket.off('close', this.#onClientClose)
    this.#forwarding.failure ??= err
    this.#callback(err)
  }

  #body (): IncomingMessage | BodyLimit {
    if (this.#client.headers['content-length'] !== undefined) return this.#client
    const limit = new BodyLimit(this.#forwarding.bodyBytesMax)
    limit.once('error', err => { this.#forwarding.failure ??= err })
    this.#client.once('error', err => limit.destroy(err))
    return this.#client.pipe(limit)
  }
}

function isIdempotent (method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'PUT' || method === 'DELETE'
}
