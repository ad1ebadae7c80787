import type { Changes } from './changes.ts'
import type { Exchange, Sighting, Violation } from './exchange.ts'
import { Oracle } from './oracle.ts'
import type { Circumstances } from './verdicts.ts'

/** Longer than any fault lasts: what a frozen target has seen is known by then. */
const reflectionMs = 15_000

/** Holds what was seen until it can be judged, and has it judged. */
export class Court {
  readonly exchanges: Exchange[] = []
  readonly #sightings = new Map<string, Sighting[]>()
  readonly #oracle: Oracle
  readonly #changes: Changes
  readonly #onViolation: (violation: Violation) => void
  #judged = 0

  constructor (circumstances: Circumstances, changes: Changes, onViolation: (violation: Violation) => void) {
    this.#oracle = new Oracle(circumstances)
    this.#changes = changes
    this.#onViolation = onViolation
  }

  /** In the order in which they ended. */
  hear (exchange: Exchange): void {
    this.exchanges.push(exchange)
  }

  see (sighting: Sighting): void {
    const others = this.#sightings.get(sighting.requestId)
    if (others === undefined) this.#sightings.set(sighting.requestId, [sighting])
    else others.push(sighting)
  }

  wasSeen (id: string): boolean {
    return this.#sightings.has(id)
  }

  /** Judges what is old enough; all, at the end. */
  judge ({ all = false } = {}): void {
    const untilMs = all ? Infinity : Math.min(Date.now() - reflectionMs, this.#changes.unsettledSinceMs)
    for (;;) {
      const exchange = this.exchanges[this.#judged]
      if (exchange === undefined || exchange.endedAtMs >= untilMs) return
      this.#judged++
      for (const violation of this.#oracle.judge(exchange, this.#sightings.get(exchange.id) ?? [])) this.#onViolation(violation)
    }
  }
}
