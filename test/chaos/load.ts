import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { checksumOf, generateKey } from '../../src/keys/format.ts'
import type { Dice } from './dice.ts'
import type { Echo, Exchange, Outcome } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { History } from './history.ts'
import type { Population } from './population.ts'
import { doors } from './routes.ts'

export interface LoadOptions {
  readonly gateways: readonly Gateway[]
  readonly population: Population
  readonly dice: Dice
  readonly perSecond: number
  readonly onExchange: (exchange: Exchange) => void
}

type Asked = Pick<Exchange, 'id' | 'method' | 'path' | 'bodyBytes' | 'credential' | 'secret'> & { readonly key: string | null, readonly abortAfterMs: number | null }

const clients = 40
/** Some rest so long between two requests that their connections are idle when a gateway stops. */
const slowClients = 8
const slowRestMs = 2_500
/** Longer than any fault: whoever waits longer waits in vain. */
const patienceMs = 30_000
const nobody = new History<null>('a key that was never stored', null)

/** Clients with kept-alive connections that ask all the time, at random. */
export class Load {
  readonly #options: LoadOptions
  #running: Promise<unknown> = Promise.resolve()
  #isStopped = false
  #asked = 0

  constructor (options: LoadOptions) {
    this.#options = options
  }

  start (): void {
    this.#running = Promise.all(Array.from({ length: clients }, (_, i) => this.#client(i < slowClients)))
  }

  /** Resolves once every request under way has come to its end. */
  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #client (isSlow: boolean): Promise<void> {
    const { dice, perSecond } = this.#options
    const restMs = isSlow ? slowRestMs : (clients - slowClients) * 1000 / perSecond
    const agents = new Map<string, Agent>()
    await delay(dice.whole(0, restMs))
    while (!this.#isStopped) {
      const beganMs = Date.now()
      await this.#ask(agents)
      await delay(Math.max(0, restMs * (0.5 + dice.whole(0, 100) / 100) - (Date.now() - beganMs)))
    }
    for (const agent of agents.values()) agent.destroy()
  }

  async #ask (agents: Map<string, Agent>): Promise<void> {
    const { gateways, dice, onExchange } = this.#options
    const up = gateways.filter(({ isUp }) => isUp)
    if (up.length === 0) return
    const gateway = dice.pick(up)
    const { url, name, life } = gateway
    let agent = agents.get(name)
    if (agent === undefined) agents.set(name, agent = new Agent({ keepAlive: true, maxSockets: 1 }))
    const { key, abortAfterMs, ...asked } = this.#choose()
    const sentAtMs = Date.now()
    const outcome = await exchange(agent, url, { ...asked, key, abortAfterMs }, dice.chance(0.5))
    if (outcome.kind === 'refused' && gateway.life === life) gateway.isUp = false
    onExchange({ ...asked, gateway: name, life, sentAtMs, endedAtMs: Date.now(), outcome })
  }

  #choose (): Asked {
    const { dice, population } = this.#options
    const { method, prefix } = dice.chance(0.02) ? { method: 'GET', prefix: '/nowhere/' } : dice.pick(doors)
    const id = `chaos-${++this.#asked}`
    const common = {
      id,
      method,
      path: `${prefix}${this.#asked}`,
      bodyBytes: method === 'GET' ? 0 : dice.pick([1, 200, 5_000, 40_000, 40_001]),
      abortAfterMs: dice.chance(0.02) ? dice.whole(0, 40) : null,
    }
    switch (dice.weighted({ stored: 88, none: 4, junk: 4, unknown: 4 })) {
      case 'none': return { ...common, credential: 'none', secret: null, key: null }
      case 'junk': return { ...common, credential: 'junk', secret: null, key: junk(dice) }
      case 'unknown': return { ...common, credential: 'key', secret: nobody, key: generateKey({ brand: 'sk', environment: 'live' }) }
      case 'stored': {
        const { text, history } = population.pickSecret(dice)
        return { ...common, credential: 'key', secret: history, key: text }
      }
    }
  }
}

function junk (dice: Dice): string {
  const body = `sk_live_${randomBytes(16).toString('hex')}`
  return dice.pick(['x', 'sk_live_short', `${body}000000`, `sk_prod_${'a'.repeat(38)}`, `zz${body}${checksumOf(body)}`])
}

/** One request, to its end. Never rejects. */
async function exchange (agent: Agent, url: string, { id, method, path, bodyBytes, key, abortAfterMs }: Asked, isBearer: boolean): Promise<Outcome> {
  return await new Promise(resolve => {
    let hasHead = false
    let isAborted = false
    const credential: Record<string, string> = key === null ? {} : isBearer ? { authorization: `Bearer ${key}` } : { 'x-api-key': key }
    const framing: Record<string, string> = bodyBytes === 0 ? {} : bodyBytes % 1_000 === 0 ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bodyBytes) }
    const outgoing = request(new URL(path, url), { agent, method, headers: { 'x-request-id': id, ...credential, ...framing } })
    const abort = (isPatienceOver: boolean) => {
      isAborted = !isPatienceOver
      outgoing.destroy(new Error(`no answer in ${patienceMs} ms`))
    }
    const patience = setTimeout(() => abort(true), patienceMs)
    const abortion = abortAfterMs === null ? undefined : setTimeout(() => abort(false), abortAfterMs)
    const end = (outcome: Outcome) => {
      clearTimeout(patience)
      clearTimeout(abortion)
      resolve(isAborted ? { kind: 'aborted' } : outcome)
    }
    outgoing.on('response', response => {
      hasHead = true
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => { text += piece })
      response.on('error', () => {})
      response.on('close', () => {
        if (!response.complete) return end({ kind: 'broken', why: `answer ${response.statusCode} broken off`, hasHead })
        const status = response.statusCode ?? 0
        const requestId = one(response.headers['x-request-id'])
        const isProblem = response.headers['content-type'] === 'application/problem+json'
        end({ kind: 'answered', status, requestId, code: isProblem ? String(parsed(text)?.code) : null, echo: isProblem ? null : parsed(text) as Echo | null })
      })
    })
    outgoing.on('error', (err: NodeJS.ErrnoException) => {
      // After the head, the response tells.
      if (hasHead && !isAborted) return
      end(err.code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'broken', why: `${err.message}${outgoing.reusedSocket ? ' on a reused connection' : ''}`, hasHead })
    })
    outgoing.end(bodyBytes === 0 ? undefined : 'x'.repeat(bodyBytes))
  })
}

function parsed (text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
}

function one (value: string | string[] | undefined): string | null {
  return value === undefined ? null : String(value)
}
