import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

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
