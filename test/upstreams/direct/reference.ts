import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import type { UpstreamConfig } from '../../../src/config/config.ts'
import { type AnswerHeaders, faultOfAnswer, hasNoBody, passedOnHeaders } from '../../../src/upstreams/answer.ts'
import { addressOf } from '../../../src/upstreams/target.ts'
import { UndiciPool } from '../../../src/upstreams/undici-pool.ts'
import { type Answer, type Head, headOf, type Outcome } from './outcome.ts'

/** What the http-proxy engine passes on of an answer: undici behind its guard, and what is asked of its answers. */
export class Reference {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #origin: string
  readonly #pieces = new Map<string, { readonly pieces: readonly Buffer[], readonly isEnded: boolean }>()
  #asked = 0

  private constructor (server: Server) {
    this.#server = server
    this.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', socket => this.#serve(socket))
  }

  static async start (): Promise<Reference> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Reference(server)
  }

  async close (): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Each piece arrives by itself, as far as the kernel lets it. `waiting` is never told: a `boundMs` ends the wait. */
  async ask ({ text, isHead, isEnded }: Answer, offsets: readonly number[] = [], boundMs = 5_000): Promise<Outcome> {
    const path = `/${this.#asked++}`
    const pieces = [...offsets, text.length].map((to, i) => Buffer.from(text.slice(offsets[i - 1] ?? 0, to), 'latin1'))
    this.#pieces.set(path, { pieces, isEnded })
    const pool = new UndiciPool(addressOf(this.#origin), { connectTimeoutMs: 5_000 } as UpstreamConfig)
    try {
      const response = await request(pool, { path, method: isHead ? 'HEAD' : 'GET', headersTimeout: boundMs, bodyTimeout: boundMs })
      return await this.#judge(response, pool)
    } catch (err) {
      return { kind: 'refused', fault: String(err) }
    } finally {
      this.#pieces.delete(path)
      await pool.destroy()
    }
  }

  async #judge ({ statusCode, headers, body }: Dispatcher.ResponseData, pool: UndiciPool): Promise<Outcome> {
    const fault = faultOfAnswer(statusCode, headers as AnswerHeaders)
    if (fault !== null) {
      body.on('error', () => {}).destroy()
      return { kind: 'refused', fault }
    }
    const head = headFor(statusCode, headers as AnswerHeaders)
    const length = Number(headers['content-length'] ?? (statusCode === 205 ? Infinity : 0))
    if (hasNoBody(statusCode) && (length > 0 || headers['transfer-encoding'] !== undefined)) {
      // undici waits for it, and the engine doesn't.
      body.on('error', () => {}).destroy()
      return { kind: 'passed', head, body: '', isReusable: false }
    }
    const chunks: Buffer[] = []
    try {
      for await (const chunk of body) chunks.push(chunk as Buffer)
    } catch (err) {
      // The engine has sent the answer without its body by then.
      if (hasNoBody(statusCode)) return { kind: 'passed', head, body: '', isReusable: false }
      return { kind: 'broken', fault: String(err), head }
    }
    await turn()
    const { idle, busy } = pool.stats()
    return { kind: 'passed', head, body: hasNoBody(statusCode) ? '' : Buffer.concat(chunks).toString('latin1'), isReusable: idle + busy === 1 }
  }

  #serve (socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    let seen = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      seen += text
      const path = /^[A-Z]+ (\/[0-9]+) .*\r\n\r\n$/s.exec(seen)?.[1]
      if (path === undefined) return
      seen = ''
      this.#answer(socket, this.#pieces.get(path)!).catch((err: unknown) => socket.destroy(err as Error))
    })
  }

  async #answer (socket: Socket, { pieces, isEnded }: { readonly pieces: readonly Buffer[], readonly isEnded: boolean }): Promise<void> {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await turn()
      if (socket.destroyed) return
      socket.write(piece)
    }
    if (isEnded) socket.end()
  }
}

function headFor (status: number, headers: AnswerHeaders): Head {
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length'])
  // The gateway's own takes the place of x-request-id, wherever that is left out.
  const passedOn = Object.entries(passedOnHeaders(headers, {})).filter(([name]) => name !== 'content-length' && name !== 'x-request-id')
  return headOf(status, length, passedOn.flatMap(([name, value]) => [value].flat().map(one => [name, one ?? ''] as const)))
}

function request (pool: UndiciPool, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
  return new Promise((resolve, reject) => {
    pool.request(options, (err, response) => err === null ? resolve(response) : reject(err))
  })
}
