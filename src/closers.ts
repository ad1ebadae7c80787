import type { Logger } from 'pino'

/**
 * What is open, in the order of opening; closed in reverse, each fully before the next, so that whatever uses a part
 * is gone before the part is. A failing one is logged and doesn't keep the others open.
 */
export class Closers {
  readonly #closers: { readonly name: string, readonly close: () => unknown }[] = []
  readonly #logger: Logger

  constructor (logger: Logger) {
    this.#logger = logger
  }

  add (name: string, close: () => unknown): void {
    this.#closers.push({ name, close })
  }

  async close (): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer.close()
        this.#logger.debug({ part: closer.name }, 'closed')
      } catch (err) {
        this.#logger.error({ err, part: closer.name }, 'closing failed')
      }
    }
  }
}
