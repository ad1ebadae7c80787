import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { countPiped } from '../upstreams/count-piped.ts'
import { failureCode, isClientsLoss } from '../upstreams/failure.ts'
import { Tunnel } from '../upstreams/tunnel.ts'
import { type UpgradeAnswer, upgradeUpstream } from '../upstreams/tunnel-handshake.ts'
import { headerLine, listedHeaders } from '../upstreams/header-lines.ts'
import { NodeResponse } from './node-response.ts'
import { ownLines } from './answer.ts'
import type { Identity } from './identity.ts'
import type { OpenRequests } from './open-requests.ts'
import { refuse } from './refuse.ts'
import type { Turns } from './turns.ts'

/** How long what a client sent behind a refused upgrade is read and thrown away, so that the refusal isn't lost to a reset. */
const lingerMs = 1_000

/**
 * Sends upgrades the way of every other request. node:http has let go of their sockets by then, so what it does for
 * others is done here: the response gets its socket, and after a refusal the connection ends, whatever follows on it.
 */
export function acceptUpgrades (app: FastifyInstance, turns: Turns): void {
  app.server.on('upgrade', (raw, stream, head) => {
    const socket = stream as Socket
    socket.on('error', () => socket.destroy())
    // What comes early stays in the socket, in order and bounded: node:http still resumes it at the end of earlier requests.
    socket.on('readable', stayPaused)
    if (head.length > 0) socket.unshift(head)
    turns.takeLast(socket, () => {
      if (socket.destroyed || !socket.writable) return
      // The same bound for a client that takes nothing; what is silent may stay.
      socket.setTimeout(app.server.timeout)
      socket.on('timeout', () => { if (socket.writableLength > 0) socket.destroy() })
      const response = new ServerResponse(raw)
      response.shouldKeepAlive = false
      response.assignSocket(socket)
      response.once('finish', () => {
        response.detachSocket(socket)
        linger(socket)
        response.emit('close')
      })
      app.routing(raw, response)
    })
  })
}

/** Opens the tunnel of an admitted upgrade, or passes the upstream's own answer on. Never rejects. */
export async function tunnel (identity: Identity, openRequests: OpenRequests): Promise<void> {
  const { request: { socket, headers }, response } = identity
  const forwarding = identity.forwarding!
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  forwarding.abort = failure => {
    forwarding.failure ??= failure
    leave()
  }
  // One that half-closes before the answer has gone: nobody speaks WebSocket to the deaf.
  socket.once('close', leave).once('end', leave)
  try {
    const answer = await upgradeUpstream(forwarding, headers['sec-websocket-key']!, leaving.signal)
    socket.off('end', leave)
    if (!answer.isSwitched) return passOn(identity, answer)
    socket.off('readable', stayPaused)
    socket.write(switchedHead(answer.headers, ownLines(identity)), 'latin1')
    openRequests.switched(identity, new Tunnel({ client: socket, upstream: answer.socket, halfOpenIdleMs: forwarding.upstream.config.bodyTimeoutMs }))
  } catch (err) {
    forwarding.failure ??= err
    if (isClientsLoss(forwarding.failure)) socket.destroy()
    else if (!response.headersSent && !response.isDestroyed) refuse(identity, { code: identity.endedBy ?? failureCode(forwarding.failure) })
  } finally {
    forwarding.abort = null
  }
}

/** Of an upgrade, node:http has read the request. The head goes out with the body's first piece: until then, the answer may turn out to be none. */
function passOn (identity: Identity, { response, headers }: UpgradeAnswer & { readonly isSwitched: false }): void {
  const { raw } = identity.response as NodeResponse
  response.once('error', err => {
    identity.forwarding!.failure ??= err
    if (raw.headersSent) raw.destroy()
    else if (!raw.destroyed) refuse(identity, { code: identity.endedBy ?? failureCode(identity.forwarding!.failure) })
  })
  raw.once('close', () => response.destroy())
  raw.statusCode = response.statusCode!
  for (const name in headers) raw.setHeader(name, headers[name]!)
  const own = listedHeaders(ownLines(identity))
  for (let i = 0; i < own.length; i += 2) raw.setHeader(own[i]!, own[i + 1]!)
  countPiped(raw, identity.response)
  response.pipe(raw)
}

function switchedHead (headers: readonly string[], own: string): string {
  const ownNames = listedHeaders(own).filter((_, i) => i % 2 === 0)
  let head = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n'
  for (let i = 0; i < headers.length; i += 2) {
    if (!ownNames.includes(headers[i]!.toLowerCase())) head += headerLine(headers[i]!, headers[i + 1]!)
  }
  return `${head}${own}\r\n`
}

function linger (socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.off('readable', stayPaused)
  socket.resume()
  socket.end()
}

function stayPaused (): void {}
