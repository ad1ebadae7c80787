import { once } from 'node:events'
import { readdir, stat, unlink } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'

export type Role = 'gateway' | 'command'
export type ClaimState = 'candidate' | 'owner'

export interface ClaimHello {
  readonly state: ClaimState
  readonly role: Role
}

const helloTimeoutMs = 2_000
const leftoverMs = 60_000

/** Names of the published claims, dead ones included. Removes what killed processes never published. */
export async function listClaims (socketFolder: string): Promise<string[]> {
  const names = await readdir(socketFolder)
  for (const name of names.filter((name) => name.endsWith('.new'))) {
    const file = path.join(socketFolder, name)
    const madeMs = (await stat(file).catch(() => null))?.mtimeMs ?? Infinity
    if (Date.now() - madeMs > leftoverMs) await unlink(file).catch(() => {})
  }
  return names.filter((name) => name.endsWith('.sock'))
}

/** Asks a claim for its state. A dead one is removed; one whose process is stopped or stuck is `silent`. */
export async function probe (file: string): Promise<ClaimHello | 'dead' | 'silent'> {
  const socket = await dial(file)
  if (typeof socket === 'string') return socket
  const line = await new Lines(socket).next(helloTimeoutMs)
  socket.destroy()
  if (line === 'ended') return 'dead'
  return line === 'silent' ? line : JSON.parse(line) as ClaimHello
}

/** The right to use the database of another process, which keeps it running until `close` as far as it can. */
export class Lease {
  readonly url: string
  readonly #socket: Socket

  /** null: the owner is leaving. Waits as long as the owner takes to start its database. */
  static async take (file: string): Promise<Lease | null> {
    const socket = await dial(file)
    if (typeof socket === 'string') return null
    const lines = new Lines(socket)
    socket.write('lease\n')
    const hello = await lines.next()
    const offer = hello === 'ended' ? hello : await lines.next()
    if (offer === 'ended') {
      socket.destroy()
      return null
    }
    socket.unref()
    return new Lease((JSON.parse(offer) as { url: string }).url, socket)
  }

  private constructor (url: string, socket: Socket) {
    this.url = url
    this.#socket = socket
  }

  async close (): Promise<void> {
    if (this.#socket.destroyed) return
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
  }
}

async function dial (file: string): Promise<Socket | 'dead' | 'silent'> {
  const socket = connect(file)
  try {
    await once(socket, 'connect')
  } catch (err) {
    socket.destroy()
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT') return 'dead'
    // Any other error, such as a full backlog, says that somebody is there.
    if (code !== 'ECONNREFUSED') return 'silent'
    await unlink(file).catch(() => {})
    return 'dead'
  }
  socket.on('error', () => socket.destroy())
  return socket
}

/** The lines that a claim's process sends, one at a time. */
class Lines {
  readonly #waiting: string[] = []
  #hasEnded = false
  #wake: () => void = () => {}

  constructor (socket: Socket) {
    createInterface({ input: socket }).on('error', () => {}).on('line', (line) => {
      this.#waiting.push(line)
      this.#wake()
    })
    socket.on('close', () => {
      this.#hasEnded = true
      this.#wake()
    })
  }

  /** The sentinels can't be mistaken for lines, which are JSON objects. */
  async next (): Promise<string | 'ended'>
  async next (timeoutMs: number): Promise<string | 'ended' | 'silent'>
  async next (timeoutMs?: number): Promise<string> {
    const timer = timeoutMs === undefined ? null : setTimeout(() => this.#wake(), timeoutMs)
    if (this.#waiting.length === 0 && !this.#hasEnded) await new Promise<void>((resolve) => { this.#wake = resolve })
    if (timer !== null) clearTimeout(timer)
    return this.#waiting.shift() ?? (this.#hasEnded ? 'ended' : 'silent')
  }
}
