import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the sample shows of a request's headers: those that the gateway vouches for. Any key would show up, too. */
const shownHeaders = /^(x-latchkey-|x-request-id$|x-forwarded-|traceparent$|x-api-key$|authorization$)/

export interface SampleUpstream {
  readonly url: string
  close (): Promise<void>
}

/** A small JSON service to put the gateway in front of: it answers every request with what it saw of it. */
export async function startSampleUpstream ({ host, port }: { host: string, port: number }): Promise<SampleUpstream> {
  const server = createServer((request, response) => {
    let bodyBytes = 0
    request.on('data', (chunk: Buffer) => { bodyBytes += chunk.length })
    request.on('end', () => {
      const body = JSON.stringify(seenOf(request, bodyBytes), null, 2) + '\n'
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      response.end(body)
    })
  })
  await listen(server, host, port)
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

function seenOf ({ method, url, headers }: IncomingMessage, bodyBytes: number): object {
  const shown = Object.entries(headers).filter(([name]) => shownHeaders.test(name))
  return { service: 'sample', method, url, headers: Object.fromEntries(shown), bodyBytes }
}

function listen (server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
