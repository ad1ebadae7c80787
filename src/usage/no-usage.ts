import { Histogram } from '../metrics/histogram.ts'
import type { UsageRecorder, UsageStats } from './recorder.ts'

/** What takes the rows of requests. */
export type UsageSink = Pick<UsageRecorder, 'startSpool' | 'record' | 'retryNow' | 'inherit' | 'stats' | 'close'>

/** In the recorder's place where no usage is to be recorded: no row, no write, and books of zeros. */
export class NoUsage implements UsageSink {
  readonly #stats: UsageStats = { recorded: 0, recovered: 0, written: 0, dropped: 0, waiting: 0, spooled: 0, flushDuration: new Histogram(), spool: { bytes: 0, up: 0, down: 0 } }

  async startSpool (): Promise<void> {}

  record (): void {}

  retryNow (): void {}

  async inherit (_names: readonly string[], taken: (rows: number) => void): Promise<void> {
    taken(0)
  }

  stats (): UsageStats {
    return this.#stats
  }

  async close (): Promise<void> {}
}
