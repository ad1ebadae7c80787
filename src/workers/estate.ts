import { noNumbers, type ProcessNumbers } from '../metrics/process-numbers.ts'
import type { Worker } from './worker.ts'

/** Spools of workers that have ended, until one that lives has taken them over. */
export class Estate {
  /** Rows that their workers had told of last, and that weren't in the database. */
  readonly #rowsOf = new Map<string, number>()
  #unclaimed: string[] = []

  /** What the worker was to take over itself may be in its own spool by now, or not. */
  add ({ spoolName, heirOf }: Worker, rows: number): void {
    this.#rowsOf.set(spoolName, rows)
    this.#unclaimed.push(...heirOf, spoolName)
  }

  /** Names for an heir, which are nobody else's then. */
  take (): readonly string[] {
    const names = this.#unclaimed
    this.#unclaimed = []
    return names
  }

  /** They were taken over. Returns how many rows were expected in them. */
  settle (names: readonly string[]): number {
    let rows = 0
    for (const name of names) {
      rows += this.#rowsOf.get(name) ?? 0
      this.#rowsOf.delete(name)
    }
    return rows
  }
}

/**
 * To be added to the numbers of those that are gone when `rowsFound` of their rows are in an heir's books as recovered,
 * while `rowsTold` are in theirs. Rows that both know are no recovery; those that nobody had told of are, and those that
 * weren't found are lost.
 */
export function settlement (rowsTold: number, rowsFound: number): ProcessNumbers {
  const nothing = noNumbers()
  return {
    ...nothing,
    usage: {
      ...nothing.usage,
      recovered: -Math.min(rowsTold, rowsFound),
      spooled: -rowsTold,
      dropped: Math.max(rowsTold - rowsFound, 0),
    },
  }
}
