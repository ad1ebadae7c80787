import { createHash } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { type AnswerHeaders, isEventStream, passedOnHeaders } from './answer.ts'
import { BadAnswerError, ClientGoneError, isRetryable, UpstreamBusyError, UpstreamTimeoutError } from './failure.ts'
import type { Forwarding } from './forwarding.ts'
import { listedHeaders } from './header-lines.ts'
import { isConnectionHeader, nominatedHeaders } from './header-names.ts'
import { openSocket } from './open-socket.ts'
import type { Target } from './target.ts'

/** The upstream's answer to an upgrade: it switched, and the socket is the tunnel's end, or it answered as to any request. */
export type UpgradeAnswer =
  | { readonly isSwitched: true, readonly headers: readonly string[], readonly socket: Socket }
  | { readonly isSwitched: false, readonly headers: AnswerHeaders, readonly response: IncomingMessage }

/** node:http answers what is above with an error. */
const headBytesMax = 32_768

const keySuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Asks the upstream to switch to WebSocket, on a connection of its own, with the forwarding's path and headers, which
 * hold `key` as Sec-WebSocket-Key. Another target is tried where the forwarding's upstream allows retries. Rejects with
 * what failureCode() understands; with ClientGoneError once `signal` is aborted. Sets the forwarding's `headMs`.
 */
export async function upgradeUpstream (forwarding: Forwarding, key: string, signal: AbortSignal): Promise<UpgradeAnswer> {
  const startedAtMs = performance.now()
  const { upstream } = forwarding
  let failed: Target | null = null
  for (let retriesLeft = upstream.config.retries; ; retriesLeft--) {
    const target = upstream.takeTarget(failed)
    if (target === null) throw new UpstreamBusyError('every target is busy')
    try {
      const socket = await connect(target, upstream.config.connectTimeoutMs, signal)
      const answer = await ask(socket, target, forwarding, key, signal)
      forwarding.headMs = performance.now() - startedAtMs
      return answer
    } catch (err) {
      if (signal.aborted) throw new ClientGoneError('client went away')
      if (retriesLeft <= 0 || !isRetryable(err)) throw err
      failed = target
    } finally {
      // A tunnel counts as the client's connection, of which there is a bound.
      target.running--
    }
  }
}

/** Opened as those of the pools are, so that TLS, names and time-outs are the same for every request. */
async function connect (target: Target, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  // Half-open: a side of a WebSocket may end before the other.
  const socket = openSocket(target, { allowHalfOpen: true })
  return await new Promise((resolve, reject) => {
    const abandon = (): void => { socket.destroy(new ClientGoneError('client went away')) }
    const timer = setTimeout(() => socket.destroy(new UpstreamTimeoutError('connect timeout', 'LATCHKEY_CONNECT_TIMEOUT')), timeoutMs)
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abandon)
    }
    socket.once(target.isSecure ? 'secureConnect' : 'connect', () => {
      end()
      resolve(socket)
    })
    socket.on('error', err => {
      end()
      reject(err)
    })
    if (signal.aborted) abandon()
    else signal.addEventListener('abort', abandon, { once: true })
  })
}

/** node:http's client reads the answer: strictly, by the parser that reads the clients' requests. */
async function ask (socket: Socket, target: Target, forwarding: Forwarding, key: string, signal: AbortSignal): Promise<UpgradeAnswer> {
  const { path, host, headerLines, upstream: { config } } = forwarding
  return await new Promise((resolve, reject) => {
    const fail = (err: Error): void => {
      end()
      outgoing.destroy()
      socket.destroy()
      reject(err)
    }
    const abandon = (): void => fail(new ClientGoneError('client went away'))
    const timer = setTimeout(() => fail(new UpstreamTimeoutError('headers timeout', 'LATCHKEY_HEADERS_TIMEOUT')), config.headersTimeoutMs)
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abandon)
    }
    const outgoing = request({
      method: 'GET',
      path,
      headers: ['host', host ?? target.host, ...listedHeaders(headerLines), 'connection', 'Upgrade', 'upgrade', 'websocket'],
      setHost: false,
      createConnection: () => socket,
      maxHeaderSize: headBytesMax,
    })
    // Node drops the lines beyond this count silently (0: none).
    outgoing.maxHeadersCount = 0
    outgoing.once('upgrade', (response: IncomingMessage, _socket: unknown, head: Buffer) => {
      end()
      socket.on('error', () => socket.destroy())
      const fault = faultOf(response, key)
      if (fault !== null) return fail(new BadAnswerError(fault))
      if (head.length > 0) socket.unshift(head)
      resolve({ isSwitched: true, headers: passedOn(response), socket })
    })
    outgoing.once('response', (response: IncomingMessage) => {
      end()
      // Also a 101 that doesn't say to what it switches.
      if (response.statusCode! < 200 || response.statusCode! > 599) return fail(new BadAnswerError(`status ${response.statusCode}`))
      socket.setTimeout(config.bodyTimeoutMs, () => response.destroy(new Error('the body stopped')))
      forwarding.isEventStream = isEventStream(response.headers['content-type'] ?? '')
      // Its client's leaving ends it through the reply that it is streamed to.
      resolve({ isSwitched: false, headers: passedOnHeaders(response.headers as AnswerHeaders, {}), response })
    })
    outgoing.on('error', fail)
    if (signal.aborted) abandon()
    else signal.addEventListener('abort', abandon, { once: true })
    outgoing.end()
  })
}

function faultOf ({ headers, statusCode }: IncomingMessage, key: string): string | null {
  if (statusCode !== 101) return `status ${statusCode} with an upgrade`
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'switched to another protocol than WebSocket'
  const accept = createHash('sha1').update(key + keySuffix).digest('base64')
  if (headers['sec-websocket-accept'] !== accept) return 'Sec-WebSocket-Accept does not fit the key'
  return null
}

/** Name, value, name, value …: the header lines that belong to the client and not to the upstream's connection. */
function passedOn ({ rawHeaders, headers }: IncomingMessage): string[] {
  const nominated = nominatedHeaders(headers.connection)
  const kept: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    // A 101 has no body whose length could be said.
    if (isConnectionHeader(name) || name === 'content-length' || (nominated?.has(name) ?? false)) continue
    kept.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  }
  return kept
}
