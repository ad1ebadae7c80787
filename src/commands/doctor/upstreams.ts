import { connect } from 'node:net'
import type { Config, UpstreamConfig } from '../../config/config.ts'
import { messageOf } from '../fault.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether something accepts connections at each upstream's targets. */
export async function checkUpstreams (config: Config): Promise<Finding[]> {
  return (await Promise.all(config.upstreams.map(checkUpstream))).flat()
}

async function checkUpstream ({ name, targets, connectTimeoutMs }: UpstreamConfig): Promise<Finding[]> {
  const faults = await Promise.all(targets.map(async target => await reach(target, connectTimeoutMs)))
  const reached = faults.filter(fault => fault === null).length
  return targets.map((target, index) => {
    const fault = faults[index] ?? null
    const check = `Upstream ${name}`
    if (fault === null) return ok(check, `${target} accepts connections`)
    const detail = `${target} cannot be reached: ${fault}`
    const remedy = 'Start the service, or correct its address under upstreams.'
    return reached > 0 ? warn(check, detail, remedy) : fail(check, detail, remedy)
  })
}

/** Null, or why there is no connection. */
async function reach (target: string, timeoutMs: number): Promise<string | null> {
  const { hostname, port, protocol } = new URL(target)
  return await new Promise(resolve => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) })
    const finish = (fault: string | null) => {
      socket.destroy()
      resolve(fault)
    }
    socket.setTimeout(timeoutMs, () => finish(`no answer within ${timeoutMs} ms`))
    socket.once('connect', () => finish(null))
    socket.once('error', err => finish(messageOf(err)))
  })
}
