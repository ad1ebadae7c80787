import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { send } from '../support/http.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { readAnswers } from './answers.ts'
import { checkPublic, type KeyOwner, ownerOf } from './arrivals.ts'
import { deliver } from './client.ts'
import { type FuzzCase, makeCase } from './generator.ts'
import { startStrictUpstream } from './strict-upstream.ts'

/** Connections at once: some, and few enough to leave the machine to others. */
const clients = 8
/** Keys that a client takes in turn, so that what arrives late is still known to be of its case. */
const keysOfClient = 16
/** After the client's. Nothing takes long; a busy machine may. */
const closesWithinMs = 20_000
const controlEveryMs = 200
const faultsMax = 10

export interface FuzzOptions {
  readonly seed: number
  /** Cases are made until then … */
  readonly durationMs: number
  /** … or this one alone. */
  readonly only?: number | null
}

export interface FuzzReport {
  readonly cases: number
  /** Requests of theirs that reached an upstream. */
  readonly admitted: number
  readonly public: number
  readonly controls: number
  /** How often each status came back; 0 for connections closed without one. */
  readonly statuses: ReadonlyMap<number, number>
  /** What should never happen, with seed, index and bytes. */
  readonly faults: readonly string[]
  readonly sockets: { readonly before: number, readonly after: number }
  readonly residentMiB: { readonly before: number, readonly after: number }
}

/** Sends cases to a gateway process of its own and judges what comes of each, on both sides. */
export async function fuzz (t: Test, { seed, durationMs, only = null }: FuzzOptions): Promise<FuzzReport> {
  const faults: string[] = []
  const statuses = new Map<number, number>()
  const owners = new Map<string, KeyOwner>()
  /** By key id: the case that holds the key, and the requests that arrived with it. */
  const current = new Map<string, { testCase: FuzzCase, arrived: number }>()
  const counts = { cases: 0, admitted: 0, public: 0, controls: 0 }
  const fault = (what: string, testCase?: FuzzCase) => {
    if (faults.length < faultsMax) faults.push(testCase === undefined ? what : `${what}; ${describe(seed, testCase, owners)}`)
  }

  const protectedOne = await startStrictUpstream(t, request => {
    try {
      const held = current.get(ownerOf(request, owners).keyId)
      if (held === undefined) return
      counts.admitted++
      held.arrived++
      if (held.arrived > held.testCase.keysMax) fault(`admitted ${held.arrived} requests, with ${held.testCase.keysMax} keys: ${request.method} ${request.target}`, held.testCase)
    } catch (err) {
      fault(`${(err as Error).message}: ${JSON.stringify(request)}; under way: ${[...current.values()].map(({ testCase }) => testCase.index).join(' ')}`)
    }
  }, what => fault(`the upstream got a ${what}; under way: ${[...current.values()].map(({ testCase }) => testCase.index).join(' ')}`))
  const publicOne = await startStrictUpstream(t, request => {
    counts.public++
    try {
      checkPublic(request)
    } catch (err) {
      fault(`${(err as Error).message}: ${JSON.stringify(request)}`)
    }
  }, what => fault(`the public upstream got a ${what}`))

  const gateways = await prepareGatewayProcesses(t, configuration(protectedOne.url, publicOne.url))
  const scopeLists = [['all:use'], ['all:*', 'other:x']]
  const made = await gateways.createKeys([{ scopes: ['other:x'] }, { name: 'control' }, ...Array.from({ length: clients * keysOfClient }, (_, index) => ({ user: `user-${index % 3}@example.com`, scopes: scopeLists[index % 2]! }))])
  for (const { key, apiKey } of made.slice(1)) owners.set(String(apiKey.id), { key, keyId: String(apiKey.id), userId: apiKey.userId, scopes: apiKey.scopes.join(' ') })
  const [powerless, control, ...valid] = made.map(({ key }) => key)
  const { cli, url, adminUrl } = await gateways.start(t)
  const port = Number(new URL(url).port)

  // Keys known, code compiled, connections to the upstream made.
  await Promise.all([...valid, control!].map(async key => await send(`${url}/control`, { headers: { 'x-api-key': key, connection: 'close' } })))
  const before = await resources(adminUrl)
  const endsAtMs = Date.now() + durationMs
  let next = 0
  const over = new AbortController()
  const clientLoop = async (client: number): Promise<void> => {
    for (let turn = 0; faults.length < faultsMax && !cli.hasEnded; turn++) {
      if (only !== null ? turn + client > 0 : Date.now() >= endsAtMs) return
      const key = valid[client * keysOfClient + turn % keysOfClient]!
      const testCase = makeCase(seed, only ?? next++, { valid: key, powerless: powerless! })
      const keyId = [...owners.values()].find(owner => owner.key === key)!.keyId
      current.set(keyId, { testCase, arrived: 0 })
      const { text, isClosed } = await deliver(port, testCase, closesWithinMs)
      counts.cases++
      if (!isClosed) fault(`the connection was still open after ${closesWithinMs} ms`, testCase)
      if (testCase.end !== 'reset') judgeAnswers(text, testCase)
    }
  }
  const judgeAnswers = (text: string, testCase: FuzzCase): void => {
    try {
      const found = readAnswers(text, testCase.bytes.includes('HEAD'))
      for (const status of found.length === 0 ? [0] : found) statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (text.includes('internal_error')) fault('answered internal_error', testCase)
    } catch (err) {
      fault(`${(err as Error).message} in ${JSON.stringify(text.slice(-2000))}`, testCase)
    }
  }
  const controlLoop = async (): Promise<void> => {
    do {
      const answer = await send(`${url}/control`, { headers: { 'x-api-key': control!, connection: 'close' } }).catch((err: unknown) => ({ status: String(err) }))
      counts.controls++
      if (answer.status !== 200) fault(`a control request got ${answer.status}`)
      await delay(controlEveryMs, undefined, { signal: over.signal }).catch(() => {})
    } while (!over.signal.aborted && !cli.hasEnded)
  }
  const controls = controlLoop()
  await Promise.all(Array.from({ length: clients }, async (_, client) => await clientLoop(client)))
  over.abort()
  await controls

  let after = before
  if (cli.hasEnded) fault(`the gateway ended: ${cli.stderr.slice(-2000)}${cli.stdout.slice(-2000)}`)
  else {
    await until(async () => {
      after = await resources(adminUrl)
      return after.sockets <= before.sockets
    }, 'the sockets are closed').catch((err: Error) => fault(err.message))
  }
  // A database too busy to answer is no fault here, and nothing that a client can bring about.
  for (const line of cli.stdout.split('\n')) if (/"level":[56]0/.test(line) && !/"msg":"The key store cannot be asked/.test(line)) fault(`the gateway logged ${line}`)
  if (cli.stderr !== '') fault(`the gateway wrote ${cli.stderr.slice(0, 2000)}`)
  return { ...counts, statuses, faults, sockets: { before: before.sockets, after: after.sockets }, residentMiB: { before: before.residentMiB, after: after.residentMiB } }
}

/** A gateway that refuses nothing for coming too often. */
function configuration (protectedUrl: string, publicUrl: string): string {
  return `
gateway: { failureBudget: { failures: 1000000, per: 1s }, eventLoopDelayMax: 1m }
keys: { bcryptCost: 4 }
upstreams:
  protected: { targets: ["${protectedUrl}"] }
  public: { targets: ["${publicUrl}"] }
routes:
  - { id: all, path: '/*', upstream: protected, scopes: ['all:use'] }
  - { id: read, path: /read, methods: [GET], upstream: protected, scopes: ['all:use'] }
  - { id: admin, path: '/admin/*', upstream: protected, scopes: ['admin:all'] }
  - { id: strip, path: '/strip/*', upstream: protected, stripPrefix: /strip, scopes: ['all:use'] }
  - { id: host, path: '/a', host: other, upstream: protected, preserveHost: true, scopes: ['all:use'] }
  - { id: public, path: '/public/:name', upstream: public, auth: none }
`
}

async function resources (adminUrl: string): Promise<{ sockets: number, residentMiB: number }> {
  const series = await scrape(adminUrl)
  return { sockets: series.get('nodejs_active_resources{type="TCPSocketWrap"}') ?? 0, residentMiB: (series.get('process_resident_memory_bytes') ?? 0) / 1024 ** 2 }
}

function describe (seed: number, { index, bytes, end, pieces }: FuzzCase, owners: ReadonlyMap<string, KeyOwner>): string {
  let text = bytes.toString('latin1')
  for (const { key } of owners.values()) text = text.replaceAll(key, '<a valid key>')
  return `replay with: node --import=tsx test/fuzz/replay.ts ${seed} ${index}; in ${pieces.length} pieces, then ${end}: ${JSON.stringify(text.slice(0, 6000))}`
}
