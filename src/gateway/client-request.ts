import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestBody } from '../upstreams/forwarding.ts'

/** A request as far as the gateway looks at it, whichever server has read it. */
export interface ClientRequest {
  readonly method: string
  /** In origin-form: the raw path, and the query. */
  readonly url: string
  readonly httpVersionMinor: number
  /** Names in lower case, several lines of a name as node:http joins them. */
  readonly headers: IncomingHttpHeaders
  /** Name as sent, value, name, value … */
  readonly rawHeaders: readonly string[]
  /** All of it has arrived, its body included. */
  readonly complete: boolean
  readonly socket: Socket
}

/** Its body, which whoever reads the request counts as it arrives. */
export interface ReceivedBody extends RequestBody {
  /** As many of its bytes as were read from the client, without their framing. */
  readonly receivedBytes: number
}
