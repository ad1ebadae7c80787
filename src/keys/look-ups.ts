export interface LookUpsOptions<Asked, Found> {
  readonly findOne: (asked: Asked) => Promise<Found | null>
  /** Answers in the order of what was asked. */
  readonly findMany: (asked: readonly Asked[]) => Promise<(Found | null)[]>
}

interface Waiting<Asked, Found> {
  readonly asked: Asked
  readonly resolve: (found: Found | null) => void
  readonly reject: (err: unknown) => void
}

/** Under way at once: enough that nobody waits for another's round trip as a rule, and a connection is left to others. */
const queriesMax = 3
/** Some milliseconds of the database's time. */
const batchMax = 100

/**
 * Look-ups that share queries: who comes alone is looked up at once; while queries are under way, whoever comes is put
 * into the next. So the database sees fewer queries the more there is to do. An answer never comes from a query that
 * was sent before it was asked for. How much waits is bounded by those who ask.
 */
export class LookUps<Asked, Found> {
  readonly #options: LookUpsOptions<Asked, Found>
  #waiting: Waiting<Asked, Found>[] = []
  #queries = 0

  constructor (options: LookUpsOptions<Asked, Found>) {
    this.#options = options
  }

  find (asked: Asked): Promise<Found | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asked, resolve, reject })
      this.#next()
    })
  }

  #next (): void {
    if (this.#queries >= queriesMax || this.#waiting.length === 0) return
    const batch = this.#waiting.slice(0, batchMax)
    this.#waiting = this.#waiting.slice(batchMax)
    this.#queries++
    this.#answer(batch).finally(() => {
      this.#queries--
      this.#next()
    })
  }

  async #answer (batch: readonly Waiting<Asked, Found>[]): Promise<void> {
    const { findOne, findMany } = this.#options
    const [first] = batch
    try {
      const found = batch.length === 1 ? [await findOne(first!.asked)] : await findMany(batch.map(({ asked }) => asked))
      batch.forEach(({ resolve }, i) => resolve(found[i] ?? null))
    } catch (err) {
      for (const { reject } of batch) reject(err)
    }
  }
}
