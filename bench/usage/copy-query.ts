import type { Submittable } from 'pg'

/** What pg gives to a query of one's own; @types/pg doesn't say. */
interface CopyConnection {
  query (text: string): void
  sendCopyFromChunk (chunk: Buffer): void
  endCopyFrom (): void
}

/** `COPY … FROM STDIN` of bytes that are there already, over a client of pg: `client.query(copy)`, then `await copy.done`. */
export class CopyQuery implements Submittable {
  readonly done: Promise<void>
  readonly #text: string
  readonly #bytes: Buffer
  readonly #resolve: () => void
  readonly #reject: (err: unknown) => void
  #failure: unknown = null
  /** pg's: called with its own time-out, too. */
  callback: ((err?: unknown) => void) | undefined

  constructor (text: string, bytes: Buffer) {
    this.#text = text
    this.#bytes = bytes
    const { promise, resolve, reject } = newPromise()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
    this.callback = err => { if (err !== undefined && err !== null) this.#reject(err) }
  }

  submit (connection: unknown): void {
    (connection as CopyConnection).query(this.#text)
  }

  handleCopyInResponse (connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#bytes)
    connection.endCopyFrom()
  }

  handleCommandComplete (): void {}
  handleRowDescription (): void {}
  handleDataRow (): void {}

  /** After a failure too, once the server takes the next query. */
  handleReadyForQuery (): void {
    this.callback?.(this.#failure)
    if (this.#failure === null) this.#resolve()
    else this.#reject(this.#failure)
  }

  /** What ends the connection is told here, too, and nothing after it. */
  handleError (err: unknown): void {
    this.#failure = err
    this.#reject(err)
  }
}

function newPromise (): { promise: Promise<void>, resolve: () => void, reject: (err: unknown) => void } {
  let resolve!: () => void
  let reject!: (err: unknown) => void
  const promise = new Promise<void>((...settlers) => { [resolve, reject] = settlers })
  return { promise, resolve, reject }
}
