import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const clients = 48
const restMsMax = 40
const patienceMs = 20_000
/** The handshake's sample of RFC 6455, section 1.3, which the upstream answers. */
const webSocketKey = 'dGhlIHNhbXBsZSBub25jZQ=='
/** An unmasked frame would end the tunnel. The mask is zero, the payload `hello`. */
const helloFrame = Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('hello')])

interface Kind {
  readonly weight: number
  readonly method: 'GET' | 'POST' | 'WS'
  readonly does: string
  readonly bodyBytes?: number
  /** The client leaves so soon. */
  readonly abortAfterMsMax?: number
  /** How it may end; 0 for an answer broken off. A key that is disabled meanwhile gives 401, a full house 503. */
  readonly endings: readonly number[]
}

const kinds: readonly Kind[] = [
  { weight: 50, method: 'GET', does: 'ok', endings: [200] },
  { weight: 10, method: 'POST', does: 'ok', bodyBytes: 10_000, endings: [200] },
  { weight: 3, method: 'POST', does: 'ok', bodyBytes: 300_000, endings: [200] },
  { weight: 4, method: 'GET', does: 'large', endings: [200] },
  { weight: 4, method: 'GET', does: 'stream', endings: [200] },
  { weight: 3, method: 'GET', does: 'slow', endings: [200] },
  { weight: 3, method: 'GET', does: '500', endings: [500] },
  { weight: 2, method: 'POST', does: 'early', bodyBytes: 50_000, endings: [413, 502] },
  { weight: 3, method: 'GET', does: 'reset', endings: [502] },
  { weight: 3, method: 'GET', does: 'truncated', endings: [0] },
  { weight: 3, method: 'GET', does: 'large', abortAfterMsMax: 10, endings: [0, 200] },
  { weight: 3, method: 'GET', does: 'slow', abortAfterMsMax: 300, endings: [0, 200] },
  { weight: 3, method: 'POST', does: 'ok', bodyBytes: 300_000, abortAfterMsMax: 5, endings: [0, 200] },
  { weight: 2, method: 'WS', does: 'ok', endings: [101] },
]
const weights = kinds.reduce((sum, { weight }) => sum + weight, 0)

export interface TrafficOptions {
  readonly port: number
  /** Keys that stay as they are. */
  readonly steadyKeys: readonly string[]
  /** Keys that are changed all the time, and refused at times. */
  readonly changingKeys: readonly string[]
}

/** Clients that ask for everything, all the time, and leave early, and close their connections now and then. */
export class Traffic {
  /** Requests by what was asked for and how it ended. */
  readonly endings = new Map<string, number>()
  /** Of those, the ones that may not be. */
  readonly wrong = new Map<string, number>()
  requests = 0
  readonly #options: TrafficOptions
  #running: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor (options: TrafficOptions) {
    this.#options = options
  }

  start (): void {
    this.#running = Promise.all(Array.from({ length: clients }, () => this.#client()))
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #client (): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!this.#isStopped) {
      const kind = pick()
      const isChanging = Math.random() < 0.1
      const keys = isChanging ? this.#options.changingKeys : this.#options.steadyKeys
      const ending = await ask(this.#options.port, keys[Math.floor(Math.random() * keys.length)]!, kind, agent)
      const name = `${kind.method} ${kind.does}${kind.abortAfterMsMax === undefined ? '' : ', left'}: ${ending === 0 ? 'broken off' : ending}`
      this.requests++
      this.endings.set(name, (this.endings.get(name) ?? 0) + 1)
      // A stream ends with its key.
      const mayBe = kind.endings.includes(ending) || (isChanging && [0, 401].includes(ending))
      if (!mayBe) this.wrong.set(name, (this.wrong.get(name) ?? 0) + 1)
      await delay(Math.random() * restMsMax)
    }
    agent.destroy()
  }
}

function pick (): Kind {
  let left = Math.random() * weights
  return kinds.find(({ weight }) => (left -= weight) < 0) ?? kinds[0]!
}

/** Resolves with the status, 0 for none or an answer that was broken off. Never rejects. */
async function ask (port: number, key: string, { method, does, bodyBytes = 0, abortAfterMsMax }: Kind, agent: Agent): Promise<number> {
  return await new Promise(resolve => {
    const isUpgrade = method === 'WS'
    const closes = isUpgrade || Math.random() < 0.1
    const outgoing = request({
      port,
      host: '127.0.0.1',
      agent: closes ? false : agent,
      method: isUpgrade ? 'GET' : method,
      path: `/inventory/${does}`,
      headers: {
        'x-api-key': key,
        ...bodyBytes > 0 && Math.random() < 0.5 ? { 'transfer-encoding': 'chunked' } : bodyBytes > 0 ? { 'content-length': bodyBytes } : {},
        ...isUpgrade ? { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': webSocketKey } : {},
      },
    })
    const timers = [setTimeout(() => outgoing.destroy(), patienceMs)]
    if (abortAfterMsMax !== undefined) timers.push(setTimeout(() => outgoing.destroy(), Math.random() * abortAfterMsMax))
    let status = 0
    const end = (ending: number) => {
      for (const timer of timers) clearTimeout(timer)
      resolve(ending)
    }
    outgoing.on('upgrade', (_response, socket) => {
      socket.on('error', () => {}).on('close', () => end(101))
      socket.write(helloFrame)
      timers.push(setTimeout(() => socket.destroy(), Math.random() * 1_000))
    })
    outgoing.on('response', response => {
      status = response.statusCode ?? 0
      response.on('error', () => {}).on('close', () => end(response.complete ? status : 0)).resume()
    })
    outgoing.on('error', () => { if (status === 0) end(0) })
    outgoing.end(bodyBytes > 0 ? Buffer.alloc(bodyBytes, 'b') : undefined)
  })
}
