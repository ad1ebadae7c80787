import type { PartitioningProgress } from '../../database/partitioning/index.ts'
import type { Output } from '../output.ts'

const lineEveryMs = 2_000

/** Says how far the partitioning of usage is: at each new phase, and every few seconds while rows are copied. */
export class ProgressLines {
  readonly #output: Output
  #phase: string | null = null
  #begunAtMs = 0
  #begunAtRows = 0
  #saidAtMs = 0

  constructor (output: Output) {
    this.#output = output
  }

  show (progress: PartitioningProgress): void {
    const nowMs = performance.now()
    const isNew = progress.phase !== this.#phase
    if (isNew) {
      this.#phase = progress.phase
      this.#begunAtMs = nowMs
      this.#begunAtRows = progress.rowsCopied
    }
    // What is done before anybody could read it needs no line.
    if (progress.rowsTotal === 0 || (!isNew && nowMs - this.#saidAtMs < lineEveryMs)) return
    this.#saidAtMs = nowMs
    this.#output.line(`${this.#output.colour('dim', 'usage')}    ${this.#text(progress, nowMs)}`)
  }

  #text ({ phase, rowsCopied, rowsTotal, waitsFor, swapMs }: PartitioningProgress, nowMs: number): string {
    if (waitsFor !== null) return `waiting for a lock${waitsFor === '' ? '' : ` that is held by ${waitsFor}`}`
    if (phase === 'copying') {
      const seconds = (nowMs - this.#begunAtMs) / 1_000
      const rate = seconds < 1 ? '' : `, ${shown((rowsCopied - this.#begunAtRows) / seconds)} rows/s`
      return `${shown(rowsCopied)} of about ${shown(rowsTotal)} rows copied (${Math.floor(100 * rowsCopied / rowsTotal)} %${rate})`
    }
    if (phase === 'indexing') return 'building indexes'
    if (phase === 'joining') return 'applying what changed meanwhile, checking foreign keys'
    if (phase === 'dropping') return `swapped${swapMs === null ? '' : `; writers waited for ${Math.ceil(swapMs)} ms`}; dropping the former table`
    return `partitioned by month, ${shown(rowsCopied)} rows copied`
  }
}

function shown (count: number): string {
  return Math.round(count).toLocaleString('en')
}
