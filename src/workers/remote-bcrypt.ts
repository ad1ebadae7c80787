import { type BcryptComparer, BcryptBusyError } from '../keys/bcrypt.ts'
import type { Compared } from './messages.ts'

interface Waiting {
  readonly resolve: (isMatch: boolean) => void
  readonly reject: (err: Error) => void
}

/**
 * The bcrypt process of the primary, which all workers share. The primary bounds its queue and compares the same key
 * with the same hash once, whoever asks; how many of a worker wait is bounded by its verifier.
 */
export class RemoteBcrypt implements BcryptComparer {
  readonly #ask: (id: number, key: string, hash: string) => void
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  constructor (ask: (id: number, key: string, hash: string) => void) {
    this.#ask = ask
  }

  /** Rejects as BcryptPool.compare does. */
  async compare (key: string, hash: string): Promise<boolean> {
    return await new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      this.#ask(id, key, hash)
    })
  }

  answer (id: number, answer: Compared): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if ('isMatch' in answer) waiting?.resolve(answer.isMatch)
    else waiting?.reject(answer.fault === 'busy' ? new BcryptBusyError(answer.message) : new Error(answer.message))
  }

  /** The primary knows which of them run. */
  stats (): { readonly running: number, readonly waiting: number } {
    return { running: 0, waiting: 0 }
  }
}
