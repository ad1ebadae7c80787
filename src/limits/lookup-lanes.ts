import type { FailureBudget } from './failure-budget.ts'

export interface LookupLanesOptions {
  readonly budget: Pick<FailureBudget, 'failures' | 'remaining'>
  /** While true, nobody enters: what isn't known yet is the first work to go. */
  readonly isOverloaded: () => boolean
}

interface Lane {
  running: number
  readonly waiting: (() => void)[]
}

/** Of one network, as many look-ups run at once as it may still fail, but one, and these at most. */
const runningMax = 100
/** What waits shrinks with what is left of the budget, so that one failure paid back doesn't let in a whole queue. */
const waitingMax = { least: 4, most: 250 } as const
/** Less than this part of the budget is left: then it is the network's own failures that keep it waiting. */
const mostlySpent = 0.5
/** Look-ups of all networks under way from which on each network has one, and none waiting. */
const pressureMin = 500

/**
 * Whose keys are looked up in the database, and when. A network that has spent its failure budget keeps a narrow lane,
 * so that the first use of a good key from a shared address succeeds sooner or later, and a flood of well-formed junk
 * occupies one connection of the pool at most. Look-ups under way count as failures that may come.
 */
export class LookupLanes {
  readonly #budget: Pick<FailureBudget, 'failures' | 'remaining'>
  readonly #isOverloaded: () => boolean
  /** Of the networks with something under way. */
  readonly #lanes = new Map<string, Lane>()
  #total = 0
  readonly #refused = { busy: 0, throttled: 0 }

  constructor ({ budget, isOverloaded }: LookupLanesOptions) {
    this.#budget = budget
    this.#isOverloaded = isOverloaded
  }

  /**
   * `entered` (or a promise of it): look the key up, then call `leave` once. `busy`: too much is under way.
   * `throttled`: too much for what is left of the network's budget.
   */
  enter (network: string): 'entered' | Promise<'entered'> | 'busy' | 'throttled' {
    if (this.#isOverloaded()) return 'busy'
    const lane = this.#lanes.get(network)
    if (lane === undefined || lane.running < this.#runningMax(network)) {
      if (lane === undefined) this.#lanes.set(network, { running: 1, waiting: [] })
      else lane.running++
      this.#total++
      return 'entered'
    }
    const left = this.#budget.remaining(network) / this.#budget.failures
    if (lane.waiting.length >= Math.max(waitingMax.least, waitingMax.most * left) || this.#isPressed) {
      return this.#refuse(left < mostlySpent ? 'throttled' : 'busy')
    }
    this.#total++
    return new Promise(resolve => lane.waiting.push(() => resolve('entered')))
  }

  leave (network: string): void {
    const lane = this.#lanes.get(network)!
    lane.running--
    this.#total--
    const max = this.#runningMax(network)
    while (lane.waiting.length > 0 && lane.running < max) {
      lane.running++
      lane.waiting.shift()!()
    }
    if (lane.running === 0) this.#lanes.delete(network)
  }

  stats (): { readonly networks: number, readonly underWay: number, readonly busy: number, readonly throttled: number } {
    return { networks: this.#lanes.size, underWay: this.#total, ...this.#refused }
  }

  get #isPressed (): boolean {
    return this.#total >= pressureMin
  }

  #runningMax (network: string): number {
    return this.#isPressed ? 1 : Math.min(Math.max(this.#budget.remaining(network), 1), runningMax)
  }

  #refuse (reason: 'busy' | 'throttled'): 'busy' | 'throttled' {
    this.#refused[reason]++
    return reason
  }
}
