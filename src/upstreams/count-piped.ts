import type { ServerResponse } from 'node:http'
import type { ClientResponse } from './client-response.ts'

/** For what is piped into node:http's response, past its own: to be called before it is. */
export function countPiped (raw: ServerResponse, response: ClientResponse): void {
  // Not earlier: a listener for data sets a stream flowing.
  raw.once('pipe', source => source.on('data', (piece: Buffer) => { response.bodyBytes += piece.length }))
}
