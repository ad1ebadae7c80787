import { createHash } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** RFC 6455's own example. */
export const handshakeKey = 'dGhlIHNhbXBsZSBub25jZQ=='

/** The lines of an upgrade request; `without` and `more` change them. */
export function upgradeHead (target: string, { without = '', more = [] }: { readonly without?: string, readonly more?: readonly string[] } = {}): string {
  const lines = ['Host: gateway.test', 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${handshakeKey}`, 'Sec-WebSocket-Version: 13']
    .filter(line => without === '' || !line.startsWith(without))
  return [`GET ${target} HTTP/1.1`, ...lines, ...more, '', ''].join('\r\n')
}

export function acceptOf (key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** The 101 that fits the request's key; lines may be changed. */
export function switchedHead (requestHead: string, lines: readonly string[] = ['Upgrade: websocket', 'Connection: Upgrade']): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(requestHead)?.[1] ?? ''
  return ['HTTP/1.1 101 Switching Protocols', ...lines, `Sec-WebSocket-Accept: ${acceptOf(key)}`, '', ''].join('\r\n')
}

export interface RawUpstream {
  readonly url: string
  /** What each connection sent so far, and its socket. */
  readonly connections: { readonly socket: Socket, received: string, isEnded: boolean, isClosed: boolean }[]
}

/** Takes whatever comes, and answers what `answer` makes of a request's head. */
export async function startRawAnswerer (t: Test, answer: (head: string, socket: Socket) => void): Promise<RawUpstream> {
  const connections: RawUpstream['connections'] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    const connection = { socket, received: '', isEnded: false, isClosed: false }
    connections.push(connection)
    let hasAnswered = false
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('end', () => { connection.isEnded = true })
    socket.on('close', () => { connection.isClosed = true })
    socket.on('data', (text: string) => {
      connection.received += text
      const end = connection.received.indexOf('\r\n\r\n')
      if (end === -1 || hasAnswered) return
      hasAnswered = true
      answer(connection.received.slice(0, end), socket)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.close(() => resolve(undefined))
    for (const { socket } of connections) socket.destroy()
  }))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections }
}

/** A short unmasked frame, as servers send them. */
export function frame (opcode: number, payload: string): string {
  return String.fromCharCode(0x80 | opcode, payload.length) + payload
}
