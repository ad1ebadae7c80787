/** The head of an answer to a client, without what its connection decides: how the body is framed, and whether it is the last. */
export interface OutgoingHead {
  readonly status: number
  /** Header lines (see header-lines.ts): none of the connection, none that frames the body. */
  readonly lines: string
  /** Whether a Date is among them. */
  readonly hasDate: boolean
  /** Of the body, or of one that is left out (HEAD, 304); null: not known, or nothing to say. */
  readonly contentLength: number | null
  /** No body follows, whatever the length says. */
  readonly isBodyless: boolean
}

/** The way of an answer back to its client, whichever server has read the request. */
export interface ClientResponse {
  /** Of the head; 200 while there is none. */
  readonly statusCode: number
  /** The head has gone out, or will with the next piece: it can't be another one. */
  readonly headersSent: boolean
  /** All of the answer was handed to the system. */
  readonly isFinished: boolean
  readonly isDestroyed: boolean
  /** Of its body, handed to the client's connection so far, without its framing. Whoever writes past this adds to it. */
  bodyBytes: number
  /** Nothing else is to come on the connection; the head says so. To be set before there is one. */
  endsConnection: boolean
  /** Called when the client takes more, after a `write` that returned false. */
  onDrain: (() => void) | null
  /** Sends head and whole body (Latin-1), in one write. */
  send (head: OutgoingHead, body: string): void
  /** Writes the head, which goes out with the first piece, or `flush`. */
  begin (head: OutgoingHead): void
  flush (): void
  /** Text is Latin-1. False where the client should take what was written before there is more. `written` is called when the bytes may be used again. */
  write (piece: Buffer | string, written?: (err?: Error | null) => void): boolean
  /** Behind the last piece. */
  end (): void
  /** An interim answer, 100. */
  writeContinue (): void
  /** Breaks the connection off. */
  destroy (): void
}
