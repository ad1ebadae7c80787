import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientRequest } from '../client-request.ts'
import { PlainBody } from './plain-body.ts'

/** A request that could be read in one way only. */
export class PlainRequest implements ClientRequest {
  readonly httpVersionMinor = 1
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly socket: Socket
  /** Null: it has none. */
  readonly body: PlainBody | null

  constructor (method: string, url: string, headers: IncomingHttpHeaders, rawHeaders: readonly string[], bodyBytes: number, socket: Socket) {
    this.method = method
    this.url = url
    this.headers = headers
    this.rawHeaders = rawHeaders
    this.socket = socket
    this.body = bodyBytes === 0 ? null : new PlainBody(headers, bodyBytes, socket)
  }

  get complete (): boolean {
    return this.body === null || this.body.complete
  }
}
