/** What has something to send. */
export interface Sender {
  sendNow (): void
}

/**
 * Small messages of one turn of the event loop go out together at its end, behind all that was read in it: reading and
 * writing by turns costs half as much again. Each write may wake whoever waits for it, who is asleep again by the next
 * one; and all that the kernel's part of a write touches displaces from the processor's caches what the next request
 * needs, and the other way round. None waits for longer than the turn.
 */
export class Outbox {
  #waiting: Sender[] = []
  #isDue = false

  add (sender: Sender): void {
    this.#waiting.push(sender)
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(this.#send)
  }

  readonly #send = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    this.#isDue = false
    let sent = 0
    try {
      for (const sender of waiting) {
        sent++
        sender.sendNow()
      }
    } finally {
      // One that throws fails alone.
      for (const sender of waiting.slice(sent)) this.add(sender)
    }
  }
}
