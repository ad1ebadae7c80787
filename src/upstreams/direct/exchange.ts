import { isEventStream } from '../answer.ts'
import type { ClientResponse, OutgoingHead } from '../client-response.ts'
import { failureCode, isRetryable, UpstreamBusyError, UpstreamTimeoutError } from '../failure.ts'
import type { Admitted, EngineOptions, Forwarding } from '../forwarding.ts'
import type { Outbox, Sender } from '../outbox.ts'
import type { Target } from '../target.ts'
import type { AnswerHead } from './answer-head.ts'
import { ClientBody } from './client-body.ts'
import type { Connection } from './connection.ts'
import type { ConnectionPool, Waiting } from './connection-pool.ts'
import type { Copies } from './copies.ts'
import { requestHead } from './request-head.ts'
import { notWaited } from './sweep.ts'

/** The beginning of a body is held back for so long as its end may be in the same piece: then all goes out in one write. */
const heldBytesMax = 16_384
const contentTypeLine = /^content-type: (.*)\r$/im

export interface ExchangeParts {
  readonly copies: Copies
  readonly outbox: Outbox
}

/** One request on its way to an upstream, and its answer on the way back. */
export class Exchange implements Waiting, Sender {
  readonly isHead: boolean
  readonly #options: EngineOptions
  readonly #copies: Copies
  readonly #outbox: Outbox
  readonly #admitted: Admitted
  readonly #response: ClientResponse
  readonly #forwarding: Forwarding
  readonly #body: ClientBody | null
  readonly #startedAtMs = performance.now()
  #retriesLeft: number
  #target: Target | null = null
  /** Null while it waits for one. */
  #connection: Connection | null = null
  #waitedMs = notWaited
  #head: AnswerHead | null = null
  /** The beginning of the answer's body, in Latin-1, while the head wasn't sent. */
  #held = ''
  /** Between taking a connection and the end of that turn. */
  #isUnsent = false
  #wasUnsent = false
  #isOver = false

  constructor (options: EngineOptions, { copies, outbox }: ExchangeParts, admitted: Admitted, forwarding: Forwarding) {
    this.#options = options
    this.#copies = copies
    this.#outbox = outbox
    this.#admitted = admitted
    this.#response = admitted.response
    this.#forwarding = forwarding
    this.isHead = forwarding.method === 'HEAD'
    this.#body = forwarding.hasBody ? new ClientBody(admitted.body!, forwarding.bodyBytesMax, this) : null
    // A body that was read once can't be sent again.
    this.#retriesLeft = !forwarding.hasBody && isIdempotent(forwarding.method) ? forwarding.upstream.config.retries : 0
  }

  begin (): void {
    this.#forwarding.abort = failure => {
      this.#forwarding.failure ??= failure
      this.failed(failure)
    }
    // What was read together with the head is handed over soon.
    if (this.#body === null || this.#body.isWhole) this.take(null)
    else process.nextTick(atNextTick, this)
  }

  /** A body with a length is here by now, if it was read together with its head. The end of a chunked one takes longer. */
  awaitBody (): void {
    if (this.#body!.isChunked && !this.#body!.isWhole) setImmediate(atNextTurn, this)
    else this.take(null)
  }

  /** Waits for the next connection, to another target than `failed` where there is one. */
  take (failed: Target | null): void {
    if (this.#isOver) return
    this.#target = this.#forwarding.upstream.takeTarget(failed)
    this.#waitedMs = notWaited
    if (this.#target === null) this.failed(new UpstreamBusyError('every target is busy'))
    else poolOf(this.#target).take(this, failed !== null)
  }

  send (connection: Connection): void {
    this.#connection = connection
    this.#isUnsent = true
    this.#outbox.add(this)
  }

  sendNow (): void {
    // It has failed meanwhile, or is on its second connection already.
    if (!this.#isUnsent) return
    this.#isUnsent = false
    const connection = this.#connection!
    try {
      connection.ask(this)
      const head = requestHead(this.#forwarding, this.#target!.host, this.#body?.isChunked === true)
      if (this.#body === null) connection.socket.write(head, 'latin1')
      else this.#body.send(connection, head)
    } catch (err) {
      this.failed(err)
    }
  }

  drained (): void {
    this.#connection?.touch()
    this.#body?.drained()
  }

  onHead (head: AnswerHead): void {
    this.#head = head
    this.#connection!.touch()
    this.#forwarding.headMs = performance.now() - this.#startedAtMs
  }

  onBody (bytes: Buffer): void {
    this.#connection!.touch()
    if (!this.#response.headersSent) {
      if (this.#held.length + bytes.length <= heldBytesMax) {
        this.#held += bytes.toString('latin1')
        return
      }
      this.#begin()
      this.#writeHeld()
    }
    if (!this.#copies.write(this.#response, bytes)) this.#pause()
  }

  flush (): void {
    if (this.#head === null || this.#response.headersSent) return
    this.#begin()
    if (this.#held === '') this.#response.flush()
    else if (!this.#writeHeld()) this.#pause()
  }

  onEnd (isReusable: boolean): void {
    if (this.#response.headersSent) {
      this.#response.end()
    } else {
      this.#response.send(this.#outgoing(), this.#held)
    }
    const isSent = this.#body === null || this.#body.isSent
    this.#connection!.finished(isReusable && isSent, this.#head!.keepAliveMs)
    this.#finish()
    if (!isSent) this.#body!.drop()
  }

  get waitsForClient (): boolean {
    return this.#body !== null && this.#body.waitsForClient
  }

  waited (ms: number): void {
    const { headersTimeoutMs, bodyTimeoutMs } = this.#forwarding.upstream.config
    if (this.#head === null) {
      if (ms >= headersTimeoutMs) this.failed(new UpstreamTimeoutError('headers timeout', 'LATCHKEY_HEADERS_TIMEOUT'))
    } else if (ms >= bodyTimeoutMs) {
      this.failed(new UpstreamTimeoutError('body timeout', 'LATCHKEY_BODY_TIMEOUT'))
    }
  }

  waitedForConnection (elapsedMs: number, timeoutMs: number): boolean {
    this.#waitedMs += elapsedMs
    return this.#waitedMs >= timeoutMs
  }

  failed (err: unknown): void {
    if (this.#isOver) return
    const failed = this.#target
    const forwarding = this.#forwarding
    // What was never sent may be sent again, whatever it is; once, as the next connection is a new one.
    const isUnsent = this.#isUnsent && !this.#wasUnsent
    const mayRetry = (isUnsent || this.#retriesLeft > 0) && forwarding.failure === null && this.#head === null && isRetryable(err) && !this.#response.isDestroyed
    this.#letGo()
    if (mayRetry) {
      if (isUnsent) this.#wasUnsent = true
      else this.#retriesLeft--
      return this.take(failed)
    }
    this.#finish()
    forwarding.failure ??= err
    this.#body?.drop()
    if (this.#response.headersSent) this.#response.destroy()
    else if (!this.#response.isDestroyed) this.#options.onFailure(this.#admitted, failureCode(forwarding.failure))
  }

  /** Ends the upstream's part of what failed. */
  #letGo (): void {
    const connection = this.#connection
    const target = this.#target
    this.#connection = null
    this.#target = null
    this.#isUnsent = false
    if (target === null) return
    target.running--
    if (connection !== null) connection.destroy()
    else poolOf(target).giveUp(this)
  }

  #finish (): void {
    this.#isOver = true
    this.#isUnsent = false
    this.#forwarding.abort = null
    if (this.#target !== null) this.#target.running--
    this.#target = null
    this.#connection = null
  }

  /** Of an answer that isn't whole yet. */
  #begin (): void {
    const { lines, contentLength } = this.#head!
    if (contentLength === null) this.#forwarding.isEventStream = isEventStream(contentTypeLine.exec(lines)?.[1] ?? '')
    this.#response.begin(this.#outgoing())
  }

  #writeHeld (): boolean {
    const held = this.#held
    this.#held = ''
    return held === '' || this.#response.write(held)
  }

  #outgoing (): OutgoingHead {
    const { status, lines, hasDate, contentLength, framing } = this.#head!
    return { status, lines: this.#options.responseLinesOf(this.#admitted, lines), hasDate, contentLength, isBodyless: framing === 'none' }
  }

  #pause (): void {
    this.#connection!.pause()
    this.#response.onDrain ??= () => this.#connection?.resume()
  }
}

function atNextTick (exchange: Exchange): void {
  exchange.awaitBody()
}

function atNextTurn (exchange: Exchange): void {
  exchange.take(null)
}

/** Every target's pool was opened by this engine. */
function poolOf ({ pool }: Target): ConnectionPool {
  return pool as ConnectionPool
}

function isIdempotent (method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'PUT' || method === 'DELETE'
}
