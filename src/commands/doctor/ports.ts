import { createServer } from 'node:net'
import type { Config, ListenerConfig } from '../../config/config.ts'
import { messageOf } from '../fault.ts'
import { fail, ok } from './finding.ts'
import type { Finding } from './finding.ts'

const answerTimeoutMs = 2_000

/** Whether the gateway can have its ports, or has them already. */
export async function checkPorts ({ gateway, admin }: Config): Promise<Finding[]> {
  return await Promise.all([
    checkPort('Gateway port', gateway, { path: '/-/live', answer: /^live$/ }),
    checkPort('Admin port', admin, { path: '/healthz', answer: /^\{"status":"ok"/ }),
  ])
}

/** How a Latchkey answers on this port. */
interface Sign {
  readonly path: string
  readonly answer: RegExp
}

async function checkPort (check: string, { host, port }: ListenerConfig, sign: Sign): Promise<Finding> {
  if (port === 0) return ok(check, 'picked by the system')
  const code = await bindFault(host, port)
  if (code === null) return ok(check, `${host}:${port} is free`)
  if (code === 'EADDRINUSE') {
    return await isServedByLatchkey(host, port, sign)
      ? ok(check, `${host}:${port} is served by a running Latchkey`)
      : fail(check, `${host}:${port} is taken by another program`, 'Stop it, or choose another port in the configuration.')
  }
  if (code === 'EACCES') return fail(check, `${host}:${port} needs more rights`, 'Choose a port above 1023, or grant CAP_NET_BIND_SERVICE.')
  return fail(check, `${host}:${port} cannot be listened on: ${code}`, 'Choose an address of this machine, such as 0.0.0.0 or 127.0.0.1.')
}

async function bindFault (host: string, port: number): Promise<string | null> {
  return await new Promise(resolve => {
    const server = createServer()
    server.once('error', err => resolve('code' in err ? String(err.code) : messageOf(err)))
    server.listen({ host, port, exclusive: true }, () => { server.close(() => resolve(null)) })
  })
}

async function isServedByLatchkey (host: string, port: number, { path, answer }: Sign): Promise<boolean> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  try {
    const response = await fetch(`http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}${path}`, { signal: AbortSignal.timeout(answerTimeoutMs), redirect: 'error' })
    return response.status === 200 && answer.test((await response.text()).trim())
  } catch {
    return false
  }
}
