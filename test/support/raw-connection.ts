import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { until } from './until.ts'

/** A client that sees and says every byte. Closed by the test's teardown. */
export class RawConnection {
  readonly socket: Socket
  received = ''
  isClosed = false

  constructor (socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => { this.received += text })
    socket.on('error', () => {})
    socket.on('close', () => { this.isClosed = true })
  }

  write (text: string | Buffer): void {
    this.socket.write(text)
  }

  /** Waits until what came back holds `text`. */
  async sees (text: string): Promise<void> {
    await until(() => this.received.includes(text) || this.isClosed, `the answer holds ${JSON.stringify(text)}`)
    if (!this.received.includes(text)) throw new Error(`The connection closed after ${JSON.stringify(this.received)}`)
  }

  async closed (): Promise<void> {
    await until(() => this.isClosed, 'the connection is closed')
  }
}

export async function connectTo (t: Test, url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  t.teardown(() => { socket.destroy() })
  await once(socket, 'connect')
  return new RawConnection(socket)
}
