import { createServer, type IncomingMessage } from 'node:http'
import { duplexPair } from 'node:stream'

/** What node:http makes of a head with these lines (latin1); null where it can't read it. */
export async function parsedRequest (lines: readonly (readonly [name: string, value: string])[], target = '/'): Promise<IncomingMessage | null> {
  const server = createServer({ requireHostHeader: false })
  server.maxHeadersCount = 0
  const [client, connection] = duplexPair()
  const parsed = new Promise<IncomingMessage | null>(resolve => {
    const take = (request: IncomingMessage) => resolve(request)
    server.on('request', take).on('checkContinue', take).on('checkExpectation', take).on('clientError', () => resolve(null))
  })
  server.emit('connection', connection)
  client.write(`POST ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'latin1')
  const request = await parsed
  connection.destroy()
  client.destroy()
  return request
}
