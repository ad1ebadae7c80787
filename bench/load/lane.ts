import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.ts'

export interface LaneOptions {
  readonly port: number
  readonly localAddress: string
  /** Status of the answer; 0: the connection failed before it was complete. The next request may be sent from here. */
  readonly onDone: (lane: Lane, status: number) => void
}

/** One connection, with one request at a time, opened anew when it ends. */
export class Lane {
  /** The caller's own: what it needs to know of the request under way. */
  fromMs = 0
  key = ''
  readonly #options: LaneOptions
  #socket: Socket | null = null
  #isBusy = false

  constructor (options: LaneOptions) {
    this.#options = options
  }

  send (text: string): void {
    this.#isBusy = true
    this.#socket ??= this.#open()
    this.#socket.write(text, 'latin1')
  }

  close (): void {
    this.#isBusy = false
    this.#socket?.destroy()
    this.#socket = null
  }

  #open (): Socket {
    const { port, localAddress } = this.#options
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    const reader = new AnswerReader()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (socket !== this.#socket) return
      let status = 0
      try {
        status = reader.read(chunk)
        if (status === 0) return
      } catch {
        return this.#fail(socket)
      }
      if (reader.closes) this.#drop(socket)
      this.#end(status)
    })
    socket.on('error', () => {})
    socket.on('close', () => { if (socket === this.#socket) this.#fail(socket) })
    return socket
  }

  #fail (socket: Socket): void {
    this.#drop(socket)
    if (this.#isBusy) this.#end(0)
  }

  #drop (socket: Socket): void {
    this.#socket = null
    socket.destroy()
  }

  #end (status: number): void {
    this.#isBusy = false
    this.#options.onDone(this, status)
  }
}
