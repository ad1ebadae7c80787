import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import type { GatewayProcesses } from './gateway-process.ts'
import { send } from './http.ts'
import { pipelineUntilClosed } from './pipelining-client.ts'
import { until } from './until.ts'

export interface ShutdownUnderLoad {
  /** What went wrong with a request that had been sent. */
  readonly failures: string[]
  /** Ids of the requests that got a complete answer. */
  readonly answered: string[]
  readonly readiness: number
  readonly exit: { code: number | null, signal: NodeJS.Signals | null }
  /** Endings of what the process logged, for the message of a failed test. */
  readonly log: string
}

/**
 * When clients whose connections are idle at the signal ask again, after it: well before such connections are closed,
 * a second after it, or well after that. No server can help a request that crosses with the end of its connection.
 */
const idleForMs = [0, 100, 300, 600, 1_500]

/**
 * Starts a gateway, loads it through kept-alive connections: `clients` that ask without a pause, two that pipeline,
 * some whose connections are idle at the signal, and one with a request that the upstream holds (`/held`, let go by
 * `release`). Ends it with SIGTERM in the middle, and tells what became of every request.
 */
export async function shutdownUnderLoad (t: Test, gateways: GatewayProcesses, round: string, release: () => boolean, { clients: clientCount = 8 } = {}): Promise<ShutdownUnderLoad> {
  const { cli, url, adminUrl } = await gateways.start(t)
  const failures: string[] = []
  const answered: string[] = []
  let hasSignal = false

  const clients = Array.from({ length: clientCount }, async (_, client) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let i = 0; ; i++) {
      const id = `${round}-${client}-${i}`
      const outcome = await ask(agent, gateways.headers, `${url}/quick`, id, i % 4 === 0 ? 'x'.repeat(20_000) : '')
      if (outcome === 'answered') answered.push(id)
      else if (outcome === 'ECONNREFUSED' && hasSignal) break
      else {
        failures.push(`${id}: ${outcome}`)
        break
      }
    }
    agent.destroy()
  })
  const pipelining = [0, 1].map(async client => {
    for (let asked = 0; ;) {
      const { answered: these, failure, isRefused } = await pipelineUntilClosed(`${url}/quick`, gateways.headers, () => `${round}-pipelined-${client}-${asked++}`)
      answered.push(...these)
      if (failure !== null) failures.push(failure)
      if (failure !== null || (isRefused && hasSignal)) break
      if (isRefused) failures.push(`pipelined ${client}: refused before the signal`)
    }
  })
  let signalled!: () => void
  const signal = new Promise<void>(resolve => { signalled = resolve })
  const idle = idleForMs.map(async ms => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const when of ['before', 'after']) {
      const id = `${round}-idle-${ms}-${when}`
      const outcome = await ask(agent, gateways.headers, `${url}/quick`, id, '')
      if (outcome === 'answered') answered.push(id)
      else if (outcome !== 'ECONNREFUSED' || when === 'before') failures.push(`${id}: ${outcome}`)
      if (when === 'after') break
      await signal
      await delay(ms)
    }
    agent.destroy()
  })
  const heldAgent = new Agent({ keepAlive: true, maxSockets: 1 })
  const held = ask(heldAgent, gateways.headers, `${url}/held`, `${round}-held`, '')

  await until(() => answered.length >= 200 || failures.length > 0, 'the gateway is under load', { timeoutMs: 60_000 })
  let hasReleased = false
  cli.child.kill('SIGTERM')
  hasSignal = true
  signalled()
  let readiness = 200
  await until(async () => {
    readiness = (await send(`${adminUrl}/readyz`)).status
    return readiness !== 200
  }, 'readiness turns false while a request is under way')
  await until(() => (hasReleased ||= release()), 'the held request reached the upstream')
  const heldOutcome = await held
  if (heldOutcome === 'answered') answered.push(`${round}-held`)
  else failures.push(`held: ${heldOutcome}`)
  heldAgent.destroy()
  await Promise.all([...clients, ...pipelining, ...idle])
  return { failures, answered, readiness, exit: await cli.ended(), log: cli.stdout.slice(-2000) + cli.stderr }
}

/** One request; resolves with what became of it. */
async function ask (agent: Agent, headers: Record<string, string>, url: string, id: string, body: string): Promise<string> {
  return await new Promise(resolve => {
    const outgoing = request(url, { agent, method: body === '' ? 'GET' : 'POST', headers: { ...headers, 'x-request-id': id } }, response => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => { bytes += chunk.length })
      response.on('close', () => {
        if (!response.complete) resolve(`broken off after ${bytes} bytes`)
        else resolve(response.statusCode === 200 ? 'answered' : `answered ${response.statusCode}`)
      })
      response.on('error', () => {})
    })
    outgoing.on('error', (err: NodeJS.ErrnoException) => resolve(`${err.code}${outgoing.reusedSocket && err.code !== 'ECONNREFUSED' ? ' on a reused connection' : ''}`))
    outgoing.end(body)
  })
}
