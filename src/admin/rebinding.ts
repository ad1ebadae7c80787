import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * Whether a request that came over loopback names a host that only the public DNS can have led here: a web page can
 * point its own name at 127.0.0.1 and have the browser of somebody at this machine read this port (DNS rebinding). An
 * address, `localhost`, a name below it and a name without a dot, such as this machine's own, can't be a page's.
 */
export function isRebound ({ socket, headers }: FastifyRequest): boolean {
  const { localAddress = '' } = socket
  if (!/^(?:::ffff:)?127\.|^::1$/.test(localAddress)) return false
  const host = (headers.host ?? '').replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '').toLowerCase()
  return host.includes('.') && isIP(host) === 0 && !host.endsWith('.localhost')
}
