import { Agent, request } from 'node:http'
import type { Test } from 'tap'
import type { GatewayProcesses } from './gateway-process.ts'
import { send } from './http.ts'
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
 * Starts a gateway, loads it through kept-alive connections, one of them with a request that the upstream holds
 * (`/held`, let go by `release`), ends it with SIGTERM in the middle, and tells what became of every request.
 */
export async function shutdownUnderLoad (t: Test, gateways: GatewayProcesses, round: string, release: () => boolean): Promise<ShutdownUnderLoad> {
  const { cli, url, adminUrl } = await gateways.start(t)
  const failures: string[] = []
  const answered: string[] = []
  let hasSignal = false

  const clients = Array.from({ length: 8 }, async (_, client) => {
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
  const heldAgent = new Agent({ keepAlive: true, maxSockets: 1 })
  const held = ask(heldAgent, gateways.headers, `${url}/held`, `${round}-held`, '')

  await until(() => answered.length >= 200 || failures.length > 0, 'the gateway is under load', { timeoutMs: 60_000 })
  let hasReleased = false
  cli.child.kill('SIGTERM')
  hasSignal = true
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
  await Promise.all(clients)
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
