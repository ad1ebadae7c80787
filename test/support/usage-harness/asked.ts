import type { Life } from './life.ts'

/** What a client knows of a request that it sent. Moments are of performance.now(). */
export interface Asked {
  /** The x-request-id, of this request alone. */
  readonly id: string
  readonly path: string
  /** Who was asked. */
  readonly life: Life
  readonly sentAtMs: number
  /** When the client had seen the whole answer; null: never. */
  completedAtMs: number | null
  status: number | null
}

/** As in the table. */
export interface WrittenRow {
  readonly requestId: string
  readonly endpoint: string
  readonly status: number
  readonly route: string | null
}
