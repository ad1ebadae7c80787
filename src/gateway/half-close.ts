import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Turns } from './turns.ts'
import { isUpgrade } from './upgrade-request.ts'

/**
 * Lets a client end its side behind its last request and still get the answer, as scripts around netcat do. node:http
 * would end ours, too.
 *
 * A client that has gone altogether looks the same until something is written to it. So it is sent an interim answer,
 * which every client ignores (RFC 9110, 15.2) and which a closed one answers with a reset: the upstream is let go at
 * once, not when it has answered. One that ends its side in the midst of an answer is taken for gone. `onCutShort` is
 * called where the last request is incomplete; it may have been told of by a client error already.
 */
export function allowHalfClose (app: FastifyInstance, turns: Turns, onCutShort: (socket: Socket) => void): void {
  // Undocumented, and there since Node 0.4.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  app.server.on('connection', socket => {
    socket.on('end', () => {
      const { response, latest } = turns.of(socket)
      if (latest !== null && !latest.req.complete) return onCutShort(socket)
      if (response === null || response.writableEnded || response.closed || isUpgrade(response.req)) return
      if (response.headersSent) socket.destroy()
      else if (response.req.httpVersionMinor > 0) response.writeContinue()
    })
  })
}
