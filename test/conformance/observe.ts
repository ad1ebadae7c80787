import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Case } from './case.ts'
import type { Front } from './front.ts'
import { readRequests } from './strict-request.ts'
import { isFinal, readResponses } from './strict-response.ts'
import { type RawUpstream, sentinelPath, type UpstreamConnection } from './upstream.ts'

/** Both sides of one exchange. */
export interface Observation {
  readonly sent: string
  readonly received: string
  /** The front closed the connection before the client did. */
  readonly isClosedByFront: boolean
  /** The connection was still open long after the client had ended it, or an answer never came. */
  readonly isHung: boolean
  readonly upstream: readonly UpstreamConnection[]
  /** What a plain request on another connection got right afterwards: its own answer, unless the exchange upset the front. */
  readonly sentinel: string
}

export interface Waits {
  /** For what a case says must come next. */
  readonly stepMs: number
  /** A front that said nothing for so long waits for more. */
  readonly quietMs: number
  /** For a close that a case expects. */
  readonly closeMs: number
}

/** For Latchkey, of which each case knows what it does. */
export const patient: Waits = { stepMs: 5_000, quietMs: 3_000, closeMs: 5_000 }
/** For fronts that may do otherwise. */
export const brisk: Waits = { stepMs: 500, quietMs: 500, closeMs: 50 }

/** In place of the sentinel's answer: nobody listens any more. */
export const frontEnded = 'the process ended'

/** For the end of an exchange, and for the next client's answer. */
const endMs = 10_000

let sentinels = 0

/** Runs a case against a front whose upstream is `upstream`. One at a time: all that arrives belongs to the case. */
export async function observe (front: Front, upstream: RawUpstream, { send, upstream: script, expect }: Case, waits: Waits = patient): Promise<Observation> {
  const client = new Client(await open(front))
  upstream.begin(script ?? null, () => client.received)
  const steps = typeof send === 'string' ? [{ write: send }] : send
  let sent = ''
  let isEnded = false
  for (const step of steps) {
    if ('write' in step) {
      const bytes = step.write.replaceAll('{key}', front.key)
      sent += bytes
      client.socket.write(bytes, 'latin1')
    } else if ('sees' in step) await within(() => client.received.includes(step.sees) || client.isClosed, waits.stepMs)
    else if ('upstreamSees' in step) await within(() => upstream.received.includes(step.upstreamSees) || client.isClosed, waits.stepMs)
    else if ('until' in step) await within(() => upstream.connections.some(({ isClosed }) => isClosed), 500)
    else {
      isEnded = true
      if (step.do === 'reset') client.socket.resetAndDestroy()
      else client.socket.end()
    }
  }
  client.touch()
  const requests = readRequests(sent)
  const methods = requests.map(({ method }) => method)
  const answersMax = Math.max(requests.length, 1)
  const isAnswered = () => {
    const { responses, rest } = readResponses(client.received, methods, false)
    return rest !== '' || responses.filter(response => isFinal(response) && response.isComplete).length >= answersMax
  }
  if (!isEnded) {
    await within(() => client.isClosed || isAnswered() || client.quietMs > waits.quietMs, endMs)
    if (expect.closes === true) await within(() => client.isClosed, waits.closeMs)
  }
  const isClosedByFront = client.isClosed && !isEnded
  if (!client.isClosed && !isEnded) client.socket.end()
  const isHung = !await within(() => client.isClosed)
  client.socket.destroy()
  const sentinel = await ask(front, `${sentinelPath}${++sentinels}`)
  return { sent, received: client.received, isClosedByFront, isHung, upstream: upstream.connections, sentinel }
}

class Client {
  readonly socket: Socket
  received = ''
  isClosed = false
  #activeAtMs = Date.now()

  constructor (socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.received += text
      this.touch()
    })
    // Both: a half-closed socket of ours closes only when the other half has ended.
    socket.on('end', () => { this.isClosed = true })
    socket.on('close', () => { this.isClosed = true })
    socket.on('error', () => {})
  }

  touch (): void {
    this.#activeAtMs = Date.now()
  }

  get quietMs (): number {
    return Date.now() - this.#activeAtMs
  }
}

async function open ({ url }: Front): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** `ok`, or what came instead of the request's own answer. */
async function ask (front: Front, path: string): Promise<string> {
  const socket = await open(front).catch(() => null)
  if (socket === null) return frontEnded
  const client = new Client(socket)
  client.socket.write(`GET ${path} HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${front.key}\r\nConnection: close\r\n\r\n`)
  await within(() => client.isClosed)
  client.socket.destroy()
  return client.received.endsWith(`ran GET ${path}`) ? 'ok' : client.received
}

async function within (condition: () => boolean, timeoutMs = endMs): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadlineMs) return false
    await delay(1)
  }
  return true
}
