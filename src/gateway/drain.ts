import type { Server as HttpServer } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface DrainOptions {
  /** How long idle connections stay open. A request that is on its way when we stop still gets its answer, with `Connection: close`. */
  readonly idleGraceMs: number
  /** After so long, requests under way are broken off. */
  readonly deadlineMs: number
}

/**
 * Stops accepting connections and waits until those that exist have ended. Resolves with the number of connections
 * that had to be broken off.
 *
 * http.Server's own close() ends idle connections at once, and so fails requests that are already on the wire;
 * net.Server's only stops listening.
 */
export async function drain (server: HttpServer, { idleGraceMs, deadlineMs }: DrainOptions): Promise<number> {
  const deadline = performance.now() + deadlineMs
  const ended = new Promise<'ended'>(resolve => {
    NetServer.prototype.close.call(server, () => resolve('ended'))
  })
  if (await Promise.race([ended, delay(idleGraceMs, 'idle', { ref: false })]) === 'ended') return 0
  while (performance.now() < deadline) {
    server.closeIdleConnections()
    if (await Promise.race([ended, delay(100, 'busy', { ref: false })]) === 'ended') return 0
  }
  const brokenOff = await connectionCount(server)
  server.closeAllConnections()
  await ended
  return brokenOff
}

function connectionCount (server: HttpServer): Promise<number> {
  return new Promise(resolve => server.getConnections((err, count) => resolve(err === null ? count : 0)))
}
