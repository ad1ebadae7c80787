import type { EncodedRows } from './encoded-rows.ts'

/** Where usage rows end up. */
export interface UsageStore {
  /**
   * Writes a batch once, however often and by whichever process it is tried. Rejects where it can't tell, or can't
   * now: it is to be tried again with the very same rows. One batch at a time: it isn't called again before it has
   * settled.
   */
  write (batch: UsageBatch): Promise<WriteOutcome>
  /** Forgets batches that nobody will try again. */
  forget (ids: readonly string[]): Promise<void>
  /** Forgets batches so old that their processes, which died before they could forget them, won't be back. */
  prune (): Promise<void>
  /** Names the database, wherever it is moved to. */
  installationId (): Promise<string>
}

export interface UsageBatch {
  readonly id: string
  /** The batches that were split into this one among others: they are never to be written as a whole any more. */
  readonly splits: readonly SplitBatch[]
  readonly rows: EncodedRows
}

export interface SplitBatch {
  readonly id: string
  /** That it had. */
  readonly rows: number
}

export type WriteOutcome = Written | Locked | Split | Refused

export interface Written {
  readonly kind: 'written'
  /** Not by this attempt, but by an earlier one, perhaps of another process. */
  readonly isEarlier: boolean
  readonly rowsWritten: number
  /** Rows whose key was deleted meanwhile. */
  readonly rowsOrphaned: number
  /** Rows not written because somebody holds their key locked: to be tried again later, in a batch of their own. */
  readonly deferred: EncodedRows | null
  /** Why last_used_at could not be written, although the rows were. */
  readonly lastUsedError: unknown
}

/** Somebody holds all of its keys locked. Nothing was written, the batch is to be tried again later. */
export interface Locked {
  readonly kind: 'locked'
  readonly keyIds: ReadonlySet<number>
}

/** An earlier attempt was refused, and what it was split into is being written, or was. */
export interface Split {
  readonly kind: 'split'
  /** That the batch had then: the rows at hand may be fewer, where a crash came before the last were on the disk. */
  readonly rows: number
}

/** The store will never take one of the rows. None of the batch was written. */
export interface Refused {
  readonly kind: 'refused'
  readonly reason: unknown
}
