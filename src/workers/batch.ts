/** Gathers what comes within a short time and passes it on at once. */
export class Batch<T> {
  readonly #delayMs: number
  readonly #pass: (items: T[]) => void
  #items: T[] = []
  #timer: NodeJS.Timeout | null = null

  constructor (delayMs: number, pass: (items: T[]) => void) {
    this.#delayMs = delayMs
    this.#pass = pass
  }

  add (item: T): void {
    this.#items.push(item)
    this.#timer ??= setTimeout(() => this.flush(), this.#delayMs).unref()
  }

  flush (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#items.length === 0) return
    const items = this.#items
    this.#items = []
    this.#pass(items)
  }
}
