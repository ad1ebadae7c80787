import { HexIds } from './hex-ids.ts'

/** Makes W3C Trace Context ids. */
export class TraceIds {
  /** Version, trace id, span id, flags. */
  readonly #traceparents = new HexIds(`00-${'x'.repeat(32)}-${'x'.repeat(16)}-00`)

  /** A new trace, not sampled: the gateway records no spans, it only makes requests correlatable. */
  newTraceparent (): string {
    return this.#traceparents.next()
  }
}
