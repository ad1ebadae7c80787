import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface TestUpstream {
  readonly url: string
  readonly port: number
  /** Every request in full, in the order in which they ended. */
  readonly seen: SeenRequest[]
  readonly server: Server
}

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

const answerOk: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end('{"ok":true}')
}

/** A real HTTP server that remembers what it received. `answer` is called with the whole body. */
export async function startUpstream (t: Test, answer: Answer = answerOk): Promise<TestUpstream> {
  const seen: SeenRequest[] = []
  const { url, port, server } = await startRawUpstream(t, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      seen.push({ method: request.method!, url: request.url!, headers: request.headers, rawHeaders: request.rawHeaders, body })
      answer(request, response, body)
    })
  })
  return { url, port, seen, server }
}

/** The same without reading anything: for tests about streaming. */
export async function startRawUpstream (t: Test, listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ url: string, port: number, server: Server }> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.close(() => resolve(undefined))
    server.closeAllConnections()
  }))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, server }
}
