import { createServer, type AddressInfo, type Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { UpstreamConfig } from '../../../src/config/config.ts'
import { DirectEngine } from '../../../src/upstreams/direct/direct-engine.ts'
import { ClientGoneError } from '../../../src/upstreams/failure.ts'
import type { Admitted, Forwarding } from '../../../src/upstreams/forwarding.ts'
import { headerLine } from '../../../src/upstreams/header-lines.ts'
import { NodeResponse } from '../../../src/gateway/node-response.ts'
import { Upstream } from '../../../src/upstreams/upstream.ts'

export interface EngineAlone {
  readonly url: string
  readonly upstream: Upstream
  readonly app: FastifyInstance
  /** By path: the last that was forwarded there. */
  readonly forwarded: Map<string, Forwarding>
}

/** The engine behind node:http without the gateway in between: everything goes to the targets, with two headers. */
export async function startEngine (t: Test, targets: string | readonly string[], config: Partial<UpstreamConfig> = {}): Promise<EngineAlone> {
  const engine = new DirectEngine()
  const upstream = new Upstream({ name: 'target', targets: [targets].flat(), connectTimeoutMs: 2_000, headersTimeoutMs: 30_000, bodyTimeoutMs: 30_000, retries: 1, ...config }, engine.openPool)
  const forwarded = new Map<string, Forwarding>()
  const app = Fastify({ forceCloseConnections: true, bodyLimit: Number.MAX_SAFE_INTEGER })
  await engine.register(app, {
    forwardingOf: () => { throw new Error('it needs no Fastify') },
    admittedOf: () => { throw new Error('it needs no Fastify') },
    responseLinesOf: (_admitted, passedOn) => passedOn + headerLine('x-request-id', 'own'),
    onFailure: ({ response }, code) => response.send({ status: 502, lines: '', hasDate: false, contentLength: null, isBodyless: false }, code),
  })
  app.addHook('onRequest', (request, reply) => {
    const { method, url, headers } = request.raw
    const length = headers['content-length']
    const forwarding: Forwarding = {
      upstream,
      method: method!,
      path: url!,
      headerLines: headerLine('x-sent', 'yes') + (length === undefined ? '' : headerLine('content-length', length)),
      host: null,
      hasBody: Number(length ?? 0) > 0 || headers['transfer-encoding'] !== undefined,
      bodyBytesMax: 1024 ** 3,
      headMs: null,
      isEventStream: false,
      failure: null,
      abort: null,
    }
    forwarded.set(url!, forwarding)
    reply.raw.once('close', () => forwarding.abort?.(new ClientGoneError('client went away')))
    const admitted: Admitted = { response: new NodeResponse(reply.raw), body: request.raw, admit: null }
    engine.forward(admitted, forwarding)
  })
  app.all('/*', () => { throw new Error('the engine lets go of nothing') })
  t.teardown(async () => {
    await app.close()
    await upstream.destroy()
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, upstream, app, forwarded }
}

export interface Scripted {
  readonly url: string
  readonly port: number
  /** The sockets in the order in which they were opened. */
  readonly sockets: Socket[]
  /** What came on them, in pieces as they were read: first the socket's number, then the bytes. */
  readonly pieces: (readonly [socket: number, text: string])[]
}

/** An upstream of plain bytes. `onPiece` is called with each piece that is read. */
export async function startScripted (t: Test, onPiece: (socket: Socket, text: string) => void): Promise<Scripted> {
  const sockets: Socket[] = []
  const pieces: (readonly [number, string])[] = []
  const server = createServer({ noDelay: true }, socket => {
    const number = sockets.push(socket) - 1
    socket.on('error', () => {})
    socket.on('data', bytes => {
      const text = bytes.toString('latin1')
      pieces.push([number, text])
      onPiece(socket, text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.close(resolve)
    for (const socket of sockets) socket.destroy()
  }))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, sockets, pieces }
}

export function answer (body: string, ...lines: string[]): string {
  return ['HTTP/1.1 200 OK', `content-length: ${body.length}`, ...lines, '', body].join('\r\n')
}
