import { redactKeys } from '../keys/format.ts'
import { HexIds } from './hex-ids.ts'

const validRequestId = /^[A-Za-z0-9._-]{1,128}$/
const validTraceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The ids of requests. */
export class RequestIds {
  /** UUIDs of version 4 (RFC 9562, 5.4). */
  readonly #uuids = new HexIds('xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx')

  /**
   * The client's own id when it is a sane one, else a fresh UUID. Never unique: clients may repeat theirs. It is
   * logged and stored, so a key that was put there by mistake isn't kept.
   */
  of (header: string | string[] | undefined): string {
    return typeof header === 'string' && validRequestId.test(header) && redactKeys(header) === header ? header : this.#uuids.next()
  }
}

/** True for a `traceparent` that W3C Trace Context lets pass on as it is. */
export function isTraceparent (header: string | string[] | undefined): header is string {
  return typeof header === 'string' && validTraceparent.test(header)
}
