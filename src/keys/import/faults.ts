import { UsageError } from '../../errors.ts'

/** What is wrong in one place; never with a value from there, which may be a key or its hash. */
export interface ImportFault {
  /** Of the file, where the row begins, from 1; of rows given as objects the index, from 0. */
  readonly line: number
  /** In the API's names; empty: the row as a whole. */
  readonly field: string
  readonly detail: string
}

/** Nobody reads more than these. */
const faultsMax = 1_000

/** Nothing was imported. */
export class RowsRefusedError extends UsageError {
  readonly faults: readonly ImportFault[]
  /** How many more there are. */
  readonly moreFaults: number
  /** How many have faults. */
  readonly rows: number
  readonly warnings: readonly string[]

  constructor (message: string, { faults, moreFaults, rows, warnings }: Pick<RowsRefusedError, 'faults' | 'moreFaults' | 'rows' | 'warnings'>) {
    super(message)
    this.rows = rows
    this.faults = faults
    this.moreFaults = moreFaults
    this.warnings = warnings
  }
}

/** Ends the reading: what comes behind it can't be told. */
export class UnreadableSourceError extends Error {
  override readonly name = 'UnreadableSourceError'
  readonly faults: readonly ImportFault[]

  constructor (faults: readonly ImportFault[]) {
    super(faults.map(({ detail }) => detail).join('; '))
    this.faults = faults
  }
}

/** The faults of an import, of which the first are kept and all are counted. */
export class FaultList {
  #faults: ImportFault[] = []
  #count = 0
  /** Rows come one after the other, but the database's word about one comes later than its successors'. */
  readonly #faultyLines = new Set<number>()

  add (faults: readonly ImportFault[]): void {
    for (const fault of faults) {
      this.#faultyLines.add(fault.line)
      if (++this.#count <= faultsMax) this.#faults.push(fault)
    }
  }

  get isEmpty (): boolean {
    return this.#count === 0
  }

  get rows (): number {
    return this.#faultyLines.size
  }

  /** By line. */
  report (): { faults: readonly ImportFault[], moreFaults: number } {
    return { faults: this.#faults.toSorted((one, other) => one.line - other.line), moreFaults: this.#count - this.#faults.length }
  }
}
