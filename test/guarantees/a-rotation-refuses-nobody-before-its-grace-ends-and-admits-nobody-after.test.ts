import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { WebSocketServer } from 'ws'
import { frontConfig } from '../support/front.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { echo, WebSocketClient } from '../support/websocket.ts'

const clientsOfOld = 80
const clientsOfNew = 20
/** A second is promised. Busy machines are slow; what was measured is printed. */
const boundMs = 5_000

const upstream = await startRawUpstream(t, (_request, response) => response.end('{"ok":true}'))
const webSockets = new WebSocketServer({ server: upstream.server })
webSockets.on('connection', echo)
const database = await createDatabase(t)
const config = frontConfig(upstream.url, {
  sections: 'gateway: { failureBudget: { failures: 1000000 } }\nkeys: { bcryptCost: 4, environments: [live], cache: { ttl: 1h } }\n',
})
const first = await startGateway(t, { config, database })
const gateways = [first, await startGateway(t, { config, database, pepper: first.pepper })]
const { manager } = first
const agent = new Agent({ pipelining: 1 })
t.teardown(() => agent.destroy())

interface Exchange {
  readonly gateway: number
  readonly sentAtMs: number
  readonly answeredAtMs: number
  /** 0: broken off. */
  readonly status: number
}

t.test('a grace that ends by itself', async t => {
  const { id, old, load } = await underLoad()
  const { key, apiKey } = await manager.rotate(id, { gracePeriodMs: 2_500 })
  load.begin(clientsOfNew, key)
  const endsAtMs = apiKey.earlierSecrets[0]!.expiresAt.getTime()
  await load.untilRefused()
  await load.stop()

  const ofOld = load.exchanges(old)
  const during = ofOld.filter(({ answeredAtMs }) => answeredAtMs < endsAtMs)
  // The database has microseconds, of which a Date keeps none.
  const after = ofOld.filter(({ sentAtMs }) => sentAtMs > endsAtMs)
  t.ok(during.length > clientsOfOld, `${during.length} requests before the end`)
  t.same(during.filter(({ status }) => status !== 200), [], 'none of them was refused')
  t.ok(after.length >= clientsOfOld, `${after.length} requests after the end`)
  t.same(after.filter(({ status }) => status !== 401), [], 'none of them was let in')
  allAdmitted(t, load.exchanges(key))
})

t.test('a grace that is ended early', async t => {
  const { id, old, load } = await underLoad()
  const { key } = await manager.rotate(id)
  load.begin(clientsOfNew, key)
  await load.goneOn()
  const beforeMs = Date.now()
  await manager.endGrace(id)
  const endedAtMs = Date.now()
  await load.untilRefused()
  await load.stop()

  const ofOld = load.exchanges(old)
  t.same(ofOld.filter(({ answeredAtMs, status }) => answeredAtMs < beforeMs && status !== 200), [], 'nobody was refused before the end')
  for (const gateway of gateways.keys()) {
    const its = ofOld.filter((exchange) => exchange.gateway === gateway)
    const refusedAtMs = Math.min(...its.filter(({ status }) => status === 401).map(({ answeredAtMs }) => answeredAtMs))
    t.same(its.filter(({ sentAtMs, status }) => sentAtMs > refusedAtMs && status !== 401), [], 'once a gateway has refused it, it lets nobody in')
    const lastMs = Math.max(...its.filter(({ status }) => status === 200).map(({ sentAtMs }) => sentAtMs))
    t.ok(lastMs < endedAtMs + boundMs)
    t.comment(`gateway ${gateway} let the last in ${lastMs - endedAtMs} ms after the end`)
  }
  allAdmitted(t, load.exchanges(key))
})

t.test('a rotation without a grace', async t => {
  const { id, old, load } = await underLoad()
  const { key } = await manager.rotate(id, { gracePeriodMs: 0 })
  load.begin(clientsOfNew, key)
  await load.untilRefused()
  await load.stop()
  t.ok(load.exchanges(old).some(({ status }) => status === 401))
  allAdmitted(t, load.exchanges(key))
})

for (const isEndedEarly of [false, true]) {
  t.test(`WebSockets of the old secret, with a grace that ${isEndedEarly ? 'is ended early' : 'ends by itself'}`, async t => {
    const { id, old } = await newKey()
    const open = async (gateway: TestGateway, key: string) => await new WebSocketClient(t, gateway.url, { headers: { 'x-api-key': key } }).opened()
    const before = await Promise.all(gateways.map(async gateway => await open(gateway, old)))
    const { key, apiKey } = await manager.rotate(id, isEndedEarly ? {} : { gracePeriodMs: 2_000 })
    const during = await Promise.all(gateways.map(async gateway => await open(gateway, old)))
    const ofNew = await Promise.all(gateways.map(async gateway => await open(gateway, key)))
    for (const { socket } of [...before, ...during]) socket.send('still here')
    await until(() => [...before, ...during].every(({ messages }) => messages.length === 1), 'they go on')
    if (isEndedEarly) await manager.endGrace(id)
    const endsAtMs = isEndedEarly ? Date.now() : apiKey.earlierSecrets[0]!.expiresAt.getTime()
    const ends = await Promise.all([...before, ...during].map(async client => {
      const closed = await client.ended()
      return { closed, atMs: Date.now() }
    }))
    for (const { closed, atMs } of ends) {
      t.same(closed, { code: 1008, reason: 'key no longer valid' })
      if (!isEndedEarly) t.ok(atMs >= endsAtMs, 'not before')
      t.ok(atMs < endsAtMs + boundMs)
    }
    t.comment(`closed ${ends.map(({ atMs }) => atMs - endsAtMs).join(', ')} ms after the end`)
    for (const { socket } of ofNew) socket.send('still here')
    await until(() => ofNew.every(({ messages }) => messages.length === 1), 'those of the new secret go on')
  })
}

function allAdmitted (t: Test, exchanges: readonly Exchange[]): void {
  t.ok(exchanges.length > clientsOfNew, `${exchanges.length} requests with the new secret`)
  t.same(exchanges.filter(({ status }) => status !== 200), [], 'none of them was refused')
}

async function newKey (): Promise<{ id: number, old: string }> {
  const { key, apiKey } = await first.createKey({ scopes: ['all:use'] })
  return { id: apiKey.id, old: key }
}

/** A key that is in use by many. */
async function underLoad (): Promise<{ id: number, old: string, load: Load }> {
  const { id, old } = await newKey()
  const load = new Load()
  load.begin(clientsOfOld, old)
  await load.goneOn()
  return { id, old, load }
}

/** A busy machine may find a request half answered when its secret ends, which is broken off then. */
async function statusOf ({ url }: TestGateway, key: string): Promise<number> {
  try {
    const { statusCode, body } = await request(url, { headers: { 'x-api-key': key }, dispatcher: agent })
    await body.dump()
    return statusCode
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'UND_ERR_SOCKET') throw err
    return 0
  }
}

/** Clients that send one request after the other, until they were refused a few times. */
class Load {
  readonly #exchanges = new Map<string, Exchange[]>()
  readonly #clients: Promise<void>[] = []
  readonly #ofOld: Promise<void>[] = []
  #count = 0
  #isStopped = false

  begin (clients: number, key: string): void {
    const isFirst = this.#exchanges.size === 0
    this.#exchanges.set(key, [])
    for (let n = 0; n < clients; n++) {
      const client = this.#run(n % gateways.length, key)
      this.#clients.push(client)
      if (isFirst) this.#ofOld.push(client)
    }
  }

  exchanges (key: string): readonly Exchange[] {
    return this.#exchanges.get(key) ?? []
  }

  /** On average every client has sent a few more. */
  async goneOn (): Promise<void> {
    const before = this.#count
    await until(() => this.#count >= before + 5 * this.#clients.length, 'the clients go on')
  }

  /** The clients that had begun first. */
  async untilRefused (): Promise<void> {
    await Promise.all(this.#ofOld)
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#clients)
  }

  async #run (gateway: number, key: string): Promise<void> {
    for (let refusals = 0; refusals < 5 && !this.#isStopped;) {
      const sentAtMs = Date.now()
      const status = await statusOf(gateways[gateway]!, key)
      this.#exchanges.get(key)!.push({ gateway, sentAtMs, answeredAtMs: Date.now(), status })
      this.#count++
      if (status !== 200) refusals++
      await delay(10)
    }
  }
}
