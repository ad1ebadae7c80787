import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { until } from './until.ts'

export interface WebSocketUpstream {
  readonly url: string
  readonly server: WebSocketServer
  /** The upgrade requests that it accepted, in their order. */
  readonly upgrades: IncomingMessage[]
  /** Its ends of the WebSockets, in the same order. */
  readonly sockets: WebSocket[]
}

/** A real WebSocket server. Unless told otherwise, it sends every message back. */
export async function startWebSocketUpstream (t: Test, onOpen: (socket: WebSocket, request: IncomingMessage) => void = echo, options: ServerOptions = {}): Promise<WebSocketUpstream> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  await once(server, 'listening')
  const upgrades: IncomingMessage[] = []
  const sockets: WebSocket[] = []
  server.on('connection', (socket, request) => {
    upgrades.push(request)
    sockets.push(socket)
    socket.on('error', () => {})
    onOpen(socket, request)
  })
  t.teardown(() => new Promise(resolve => {
    for (const socket of server.clients) socket.terminate()
    server.close(() => resolve(undefined))
  }))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, upgrades, sockets }
}

export function echo (socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

/** A client's end, and what came of it. Ended by the test's teardown. */
export class WebSocketClient {
  readonly socket: WebSocket
  readonly messages: Buffer[] = []
  /** Code and reason of how it closed; null while it hasn't. */
  closed: { readonly code: number, readonly reason: string } | null = null
  /** The status and body of what was answered instead of 101. */
  refusal: { readonly status: number, readonly headers: IncomingMessage['headers'], readonly body: string } | null = null
  /** The header of the 101. */
  answer: IncomingMessage | null = null

  constructor (t: Test, url: string, { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, options)
    t.teardown(() => this.socket.terminate())
    this.socket.on('message', data => this.messages.push(data as Buffer))
    this.socket.on('upgrade', response => { this.answer = response })
    this.socket.on('error', () => {})
    this.socket.on('close', (code, reason) => { this.closed = { code, reason: String(reason) } })
    this.socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', text => { body += text })
      response.on('close', () => { this.refusal = { status: response.statusCode!, headers: response.headers, body } })
    })
  }

  get texts (): string[] {
    return this.messages.map(String)
  }

  async opened (): Promise<this> {
    await until(() => this.socket.readyState === WebSocket.OPEN || this.closed !== null || this.refusal !== null, 'the WebSocket is open')
    if (this.socket.readyState !== WebSocket.OPEN) throw new Error(`It was not opened: ${JSON.stringify(this.refusal ?? this.closed)}`)
    return this
  }

  async refused (): Promise<NonNullable<WebSocketClient['refusal']>> {
    await until(() => this.refusal !== null, 'the upgrade is refused')
    return this.refusal!
  }

  async ended (): Promise<NonNullable<WebSocketClient['closed']>> {
    await until(() => this.closed !== null, 'the WebSocket is closed')
    return this.closed!
  }
}
