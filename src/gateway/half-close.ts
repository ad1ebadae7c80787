import type { Socket } from 'node:net'
import type { ClientResponse } from '../upstreams/client-response.ts'
import { NodeResponse } from './node-response.ts'
import type { Turns } from './turns.ts'
import { isUpgrade } from './upgrade-request.ts'

/** Between two interim answers to a client that has ended its side. */
const probeEveryMs = 500

/**
 * Lets a client end its side behind its last request and still get the answer, as scripts around netcat do. To be called
 * for each connection that node:http reads, which would end our side, too, without `httpAllowHalfOpen`.
 *
 * A client that has gone altogether looks the same until it is written to: it answers the first bytes with a reset,
 * which the next write finds. So it is sent interim answers, which every client ignores (RFC 9110, 15.2), and the
 * upstream is let go within a second, not when it has answered. One that ends its side in the midst of an answer is
 * taken for gone. `onCutShort` is called where the last request is incomplete; a client error may have told of it already.
 */
export function allowHalfClose (socket: Socket, turns: Turns, onCutShort: (socket: Socket) => void): void {
  socket.on('end', () => {
    const { response, latest } = turns.of(socket)
    if (latest !== null && !latest.req.complete) return onCutShort(socket)
    if (response === null || response.writableEnded || response.closed || isUpgrade(response.req)) return
    if (response.headersSent) socket.destroy()
    // HTTP/1.0 has no interim answers: its clients are found to have gone when they are answered.
    else if (response.req.httpVersionMinor > 0) probe(new NodeResponse(response))
  })
}

/** Finds out whether a client that has ended its side is still there, for as long as its answer hasn't begun. */
export function probe (response: ClientResponse): void {
  response.writeContinue()
  probeLater(response)
}

/** The same where that can't be known: behind what a client has pipelined, its end isn't read. */
export function probeLater (response: ClientResponse): void {
  const timer = setInterval(() => {
    if (response.headersSent || response.isDestroyed) clearInterval(timer)
    else response.writeContinue()
  }, probeEveryMs).unref()
}
