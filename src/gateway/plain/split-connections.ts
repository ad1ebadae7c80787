import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Outbox } from '../../upstreams/outbox.ts'
import type { Connections } from '../connections.ts'
import { HttpDate } from './http-date.ts'
import { PlainConnection, type PlainConnectionOptions } from './plain-connection.ts'
import { RequestReader } from './request-reader.ts'

export interface SplitOptions extends Pick<PlainConnectionOptions, 'accept' | 'begin' | 'closed' | 'sendTimeoutMs'> {
  /** False: node:http reads everything. */
  readonly isEnabled: boolean
  readonly connections: Connections
  readonly keepAliveTimeoutMs: number
  /** Called for each connection that node:http reads from now on. */
  onReadByNode (socket: Socket): void
}

/**
 * Reads plain requests itself, at a third of what node:http and Fastify cost, and gives each connection to node:http
 * with the first request that isn't plain. To be called while the server has no listener for connections but its own.
 */
export function splitConnections (server: Server, { isEnabled, connections, keepAliveTimeoutMs, onReadByNode, ...options }: SplitOptions): void {
  const own = server.listeners('connection') as ((socket: Socket) => void)[]
  const readByNode = (socket: Socket): void => {
    for (const listener of own) listener.call(server, socket)
    onReadByNode(socket)
  }
  // Undocumented, and there since Node 0.4: it doesn't end our side with the client's (half-close.ts).
  Object.assign(server, { httpAllowHalfOpen: true })
  for (const listener of own) server.off('connection', listener)
  const plain: PlainConnectionOptions = {
    ...options,
    reader: new RequestReader(),
    date: new HttpDate(),
    outbox: new Outbox(),
    keepAliveLines: `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n`,
    handOver: readByNode,
  }
  server.on('connection', (socket: Socket) => {
    // Refused by the connections' own listener.
    if (socket.destroyed) return
    if (!isEnabled) return readByNode(socket)
    const connection = connections.of(socket)
    connection.plain = new PlainConnection(socket, connection, plain)
  })
}
