import type { Helpings } from './helpings.ts'

/** Of a query for many: the answer to what was asked in this place, made when it is asked for. */
export type Answers<Found> = (place: number) => Found | null

export interface LookUpsOptions<Asked, Found> {
  readonly findOne: (asked: Asked) => Promise<Found | null>
  readonly findMany: (asked: readonly Asked[]) => Promise<Answers<Found>>
  readonly helpings: Helpings
}

interface Waiting<Asked, Found> {
  readonly asked: Asked
  readonly resolve: (found: Found | null) => void
  readonly reject: (err: unknown) => void
}

/** Under way at once: enough that nobody waits for another's round trip as a rule, and a connection is left to others. */
const queriesMax = 3
/** Some milliseconds of the database's time; and parsing them is a part of a millisecond, in which nothing else runs. */
const batchMax = 32

/**
 * Look-ups that share queries: who comes alone is looked up at once; while queries are under way, whoever comes is put
 * into the next. So the database sees fewer queries the more there is to do. Answers are given in helpings, and a query
 * counts as under way until its last answer was given. An answer never comes from a query that was sent before it was
 * asked for. How much waits is bounded by those who ask.
 */
export class LookUps<Asked, Found> {
  readonly #options: LookUpsOptions<Asked, Found>
  #waiting: Waiting<Asked, Found>[] = []
  #queries = 0
  #isNextDue = false

  constructor (options: LookUpsOptions<Asked, Found>) {
    this.#options = options
  }

  find (asked: Asked): Promise<Found | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asked, resolve, reject })
      this.#next()
    })
  }

  /** While answers wait to be given there is enough to do: what is asked for meanwhile goes into fewer, larger queries. */
  #next (): void {
    const { helpings } = this.#options
    if (this.#isNextDue || this.#waiting.length === 0) return
    if (!helpings.isBehind) return this.#send()
    this.#isNextDue = true
    helpings.run(() => {
      this.#isNextDue = false
      this.#send()
    })
  }

  #send (): void {
    while (this.#queries < queriesMax && this.#waiting.length > 0) this.#query(this.#waiting.splice(0, batchMax))
  }

  #query (batch: readonly Waiting<Asked, Found>[]): void {
    this.#queries++
    this.#ask(batch).then(
      (answers) => batch.forEach((waiting, place) => this.#options.helpings.run(() => {
        this.#answer(waiting, answers, place)
        if (place === batch.length - 1) this.#done()
      })),
      // At once: in an outage nobody is kept waiting.
      (err: unknown) => {
        for (const { reject } of batch) reject(err)
        this.#done()
      }
    )
  }

  async #ask (batch: readonly Waiting<Asked, Found>[]): Promise<Answers<Found>> {
    const { findOne, findMany } = this.#options
    const [first] = batch
    if (batch.length > 1) return await findMany(batch.map(({ asked }) => asked))
    const found = await findOne(first!.asked)
    return () => found
  }

  #answer ({ resolve, reject }: Waiting<Asked, Found>, answers: Answers<Found>, place: number): void {
    try {
      resolve(answers(place))
    } catch (err) {
      reject(err)
    }
  }

  #done (): void {
    this.#queries--
    this.#next()
  }
}
