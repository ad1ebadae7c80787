import type { EncodedRows } from './encoded-rows.ts'

/** Where usage rows end up. */
export interface UsageStore {
  /**
   * Writes a batch once, however often it is tried. Rejects where it can't tell, or can't now: the caller tries again
   * with the very same batch. One batch at a time: it isn't called again before it has settled.
   */
  write (batch: UsageBatch): Promise<WriteOutcome>
  /** Forgets batches so old that nobody will try them again. */
  prune (): Promise<void>
}

export interface UsageBatch {
  readonly id: string
  readonly rows: EncodedRows
  /** The store's own: what the attempt that went as far as its commit would have come to. */
  expected: Written | null
}

export type WriteOutcome = Written | Refused

export interface Written {
  readonly kind: 'written'
  readonly rowsWritten: number
  /** Rows whose key was deleted meanwhile. */
  readonly rowsOrphaned: number
  /** Rows not written because somebody holds their key locked: to be tried again later, in another batch. */
  readonly deferred: EncodedRows | null
  /** Why last_used_at could not be written, although the rows were. */
  readonly lastUsedError: unknown
}

/** The store will never take one of the rows. None of the batch was written, nor will be under its id. */
export interface Refused {
  readonly kind: 'refused'
  readonly reason: unknown
}
