import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../until.ts'
import type { Asked } from './asked.ts'
import type { Life } from './life.ts'

export interface LoadOptions {
  readonly headers: Readonly<Record<string, string>>
  /** Those that may be asked now. */
  readonly lives: () => readonly Life[]
  readonly clients: number
  /** Between an answer and the next request of the same client. */
  readonly restMs: number
  /** Makes its rows long. */
  readonly userAgent?: string
  readonly pathPadding?: string
}

/** Then it goes to the next gateway. */
const requestsOfConnection = 100
/** A client whose gateway is away, or can't tell who it is, comes back so soon. */
const backInMs = 20
/** Every so many requests one is refused, which gives a row as well. */
const forbiddenEvery = 10

/**
 * Clients that ask all the time over kept-alive connections, each request with an id of its own, and keep what they
 * saw of each. Written on plain sockets, so that the load costs less than what it loads.
 */
export class Load {
  readonly asked: Asked[] = []
  readonly #options: LoadOptions
  #completed = 0
  #isStopped = false
  #isPaused = false
  #underWay = 0
  #lastCompletedAtMs = 0
  #running: Promise<unknown> = Promise.resolve()

  constructor (options: LoadOptions) {
    this.#options = options
  }

  /** Requests that have their whole answer. */
  get completed (): number {
    return this.#completed
  }

  start (): void {
    this.#running = Promise.all(Array.from({ length: this.#options.clients }, (_, client) => this.#client(client)))
  }

  /** Nothing is asked until `resume`. Resolves `quietMs` after the last answer. */
  async pause (quietMs: number): Promise<void> {
    this.#isPaused = true
    await until(() => this.#underWay === 0 && performance.now() > this.#lastCompletedAtMs + quietMs, 'the load is quiet')
  }

  resume (): void {
    this.#isPaused = false
  }

  /** Resolves once every request under way has come to its end. */
  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #client (client: number): Promise<void> {
    for (let turn = client; !this.#isStopped; turn++) {
      const lives = this.#options.lives().filter(({ isServing }) => isServing)
      const isWell = lives.length > 0 && !this.#isPaused && await this.#connection(client, lives[turn % lives.length]!)
      if (!isWell && !this.#isStopped) await delay(backInMs)
    }
  }

  /** Asks over one connection for as long as it is answered with what gives a row. False where it wasn't to the last. */
  async #connection (client: number, life: Life): Promise<boolean> {
    const { hostname, port } = new URL(life.process.url)
    return await new Promise(resolve => {
      let request: Asked | null = null
      let isWell = false
      let answers = 0
      let received = Buffer.alloc(0)
      const socket: Socket = connect(Number(port), hostname, () => ask())
      socket.setNoDelay(true)
      const ask = () => {
        request = this.#next(client, life)
        this.#underWay++
        socket.write(this.#textOf(request))
      }
      const next = () => {
        if (socket.destroyed) return
        if (this.#isStopped || this.#isPaused || !life.isServing) socket.end()
        else ask()
      }
      socket.on('data', chunk => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
        const answer = wholeAnswer(received)
        if (answer === null) return
        received = received.subarray(answer.bytes)
        request!.completedAtMs = this.#lastCompletedAtMs = performance.now()
        request!.status = answer.status
        request = null
        this.#underWay--
        this.#completed++
        isWell = answer.status < 500
        answers++
        if (this.#isStopped || this.#isPaused || !life.isServing || answer.isLast || !isWell || answers === requestsOfConnection) socket.end()
        else if (this.#options.restMs === 0) ask()
        else setTimeout(next, this.#options.restMs)
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        if (request !== null) this.#underWay--
        resolve(isWell && request === null)
      })
    })
  }

  #next (client: number, life: Life): Asked {
    const number = this.asked.length
    const id = `asked-${client}-${number}`
    const path = `/${number % forbiddenEvery === 0 ? 'forbidden' : 'r'}/${id}${this.#options.pathPadding ?? ''}`
    const request: Asked = { id, path, life, sentAtMs: performance.now(), completedAtMs: null, status: null }
    this.asked.push(request)
    return request
  }

  #textOf ({ id, path }: Asked): string {
    const { headers, userAgent = 'usage-harness' } = this.#options
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines}X-Request-Id: ${id}\r\nUser-Agent: ${userAgent}\r\n\r\n`
  }
}

/** Every answer here has a Content-Length. */
function wholeAnswer (received: Buffer): { bytes: number, status: number, isLast: boolean } | null {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const head = received.toString('latin1', 0, headEnd)
  const bytes = headEnd + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1])
  if (Number.isNaN(bytes)) throw new Error(`an answer without its length:\n${head}`)
  if (received.length < bytes) return null
  return { bytes, status: Number(head.slice(9, 12)), isLast: /^connection: close/im.test(head) }
}
