import { hash } from 'node:crypto'
import type pg from 'pg'
import type { KeysConfig } from '../../config/config.ts'
import { type Actor, inChange } from '../../database/change.ts'
import type { Peppers } from '../digest.ts'
import { variantsOf } from './bcrypt-hash.ts'
import { FaultList, type ImportFault, RowsRefusedError, UnreadableSourceError } from './faults.ts'
import { ImportStore } from './import-store.ts'
import { insertRows } from './insert-rows.ts'
import { type CheckedRow, checkRow } from './row-checks.ts'
import type { RowSource, SourceRow } from './source-row.ts'
import { UserResolver } from './user-resolver.ts'
import { WarningList } from './warnings.ts'

export { type ImportFault, RowsRefusedError } from './faults.ts'
export type { RowSource } from './source-row.ts'

export interface ImportOptions {
  /** Imports the rows without faults; else nothing is imported where one has any. */
  readonly skipFaulty?: boolean | undefined
  /** Does everything, and undoes it. */
  readonly dryRun?: boolean | undefined
  /** Of more rows none is imported. */
  readonly rowsMax?: number | undefined
  /** Aborted, nothing is imported: rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

export interface ImportResult {
  readonly imported: number
  readonly skipped: number
  readonly dryRun: boolean
  /** The first thousand, by line. */
  readonly faults: readonly ImportFault[]
  readonly moreFaults: number
  readonly warnings: readonly string[]
}

interface Parts {
  readonly pool: pg.Pool
  readonly peppers: Peppers
  readonly config: KeysConfig
  /** For the audit log; null: it has the database role alone. */
  readonly actor: Actor | null
}

const batchRows = 2_000
/** Nothing else in a row may be long. */
const batchDescriptionChars = 8 * 1024 ** 2
/** What is remembered of each row makes some hundred megabytes of these. */
const defaultRowsMax = 1_000_000
/** Thousands of rows a statement; whoever sends them may pause. */
const changeLimits = { statementMs: 28_000, idleMs: null } as const

/**
 * Imports keys of which only the bcrypt hash is known, in one transaction: all, or with `skipFaulty` those without
 * faults. Rejects with RowsRefusedError, which has every fault, where nothing was imported because of them.
 */
export async function importKeys ({ pool, peppers, config, actor }: Parts, source: RowSource, options: ImportOptions = {}): Promise<ImportResult> {
  try {
    return await inChange(pool, actor, async (client) => {
      const result = await new Import(new ImportStore(client), config, peppers, options).run(source)
      options.signal?.throwIfAborted()
      if (result.dryRun) throw new Undone(result)
      return result
    }, changeLimits)
  } catch (err) {
    if (err instanceof Undone) return err.result
    throw err
  }
}

/** Carries the result of a dry run out of the transaction that ends with it. */
class Undone extends Error {
  readonly result: ImportResult

  constructor (result: ImportResult) {
    super('a dry run')
    this.result = result
  }
}

class Import {
  readonly #store: ImportStore
  readonly #config: KeysConfig
  readonly #options: ImportOptions
  readonly #faults = new FaultList()
  readonly #warnings: WarningList
  /** The line in which each hash was met first, by what they are known by in little room. */
  readonly #lines = new Map<string, number>()
  #batch: CheckedRow[] = []
  #batchChars = 0
  #rows = 0
  #imported = 0

  constructor (store: ImportStore, config: KeysConfig, peppers: Peppers, options: ImportOptions) {
    this.#store = store
    this.#config = config
    this.#options = options
    this.#warnings = new WarningList(config, { hasPepper: !peppers.isEmpty })
  }

  async run (source: RowSource): Promise<ImportResult> {
    await this.#store.begin()
    const users = new UserResolver(this.#store, await this.#store.userRights())
    let isUnreadable = false
    try {
      for await (const rows of source) {
        this.#options.signal?.throwIfAborted()
        for (const row of rows) {
          this.#check(row)
          if (this.#batch.length === batchRows || this.#batchChars > batchDescriptionChars) await this.#flush(users)
        }
      }
    } catch (err) {
      if (!(err instanceof UnreadableSourceError)) throw err
      this.#faults.add(err.faults)
      isUnreadable = true
    }
    await this.#flush(users)
    const { skipFaulty = false, dryRun = false } = this.#options
    const report = { ...this.#faults.report(), warnings: this.#warnings.report() }
    if (isUnreadable || (!skipFaulty && !this.#faults.isEmpty)) throw new RowsRefusedError(this.#refusal(isUnreadable), { ...report, rows: this.#faults.rows })
    return { imported: this.#imported, skipped: this.#faults.rows, dryRun, ...report }
  }

  #check (row: SourceRow): void {
    const { rowsMax = defaultRowsMax } = this.#options
    if (++this.#rows > rowsMax) throw new UnreadableSourceError([{ line: row.line, field: '', detail: `there are more than ${rowsMax} rows: import them in parts` }])
    const checked = checkRow(row, this.#config)
    if (isFaults(checked)) return this.#faults.add(checked)
    const name = hash('sha256', variantsOf(checked.keyHash)[0], 'binary')
    const line = this.#lines.get(name)
    if (line !== undefined) return this.#faults.add([{ line: row.line, field: 'keyHash', detail: `is the same as in line ${line}` }])
    this.#lines.set(name, row.line)
    this.#batch.push(checked)
    this.#batchChars += checked.description?.length ?? 0
  }

  async #flush (users: UserResolver): Promise<void> {
    const held = await this.#store.heldHashes(this.#batch.map(({ keyHash }) => keyHash))
    const fresh: CheckedRow[] = []
    for (const row of this.#batch) {
      if (held.has(row.keyHash)) this.#faults.add([{ line: row.line, field: 'keyHash', detail: 'is that of a key that is there already' }])
      else fresh.push(row)
    }
    this.#batch = []
    this.#batchChars = 0
    const { rows, faults } = await users.resolve(fresh, { adds: this.#inserts })
    this.#faults.add(faults)
    // Where it will all be undone, the rest need only be looked at.
    const { inserted, refused } = this.#inserts ? await insertRows(this.#store, rows) : { inserted: rows, refused: [] }
    this.#faults.add(refused)
    this.#imported += inserted.length
    this.#warnings.add(inserted)
  }

  get #inserts (): boolean {
    return this.#options.skipFaulty === true || this.#faults.isEmpty
  }

  #refusal (isUnreadable: boolean): string {
    if (isUnreadable) return 'Nothing was imported: it cannot be read to its end'
    const { rows } = this.#faults
    return `Nothing was imported: ${rows} of ${this.#rows} rows ${rows === 1 ? 'has' : 'have'} faults`
  }
}

function isFaults (checked: CheckedRow | readonly ImportFault[]): checked is readonly ImportFault[] {
  return Array.isArray(checked)
}
