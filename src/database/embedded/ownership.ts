import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rename, unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UsageError } from '../../errors.ts'
import { Lease, listClaims, probe, type ClaimState, type Role } from './claims.ts'

export interface OwnershipOptions {
  /** Where claims are published: a folder that only this data folder's processes use. */
  readonly socketFolder: string
  readonly role: Role
  /** For messages. */
  readonly dataDir: string
  readonly logger: Logger
  readonly signal?: AbortSignal | undefined
}

const retryMs = 15
const retryMaxMs = 200
const silentMaxMs = 30_000
const idBytes = 6

/**
 * Decides who owns a data folder, among processes that may start at the same time, be killed, and live in containers
 * where process ids say nothing. Each publishes a claim: a Unix socket under a random name, which is moved into place
 * only when it listens, so that a socket that refuses connections is certainly dead, and names are never used again,
 * so that removing a dead one can't hit another's. A claim becomes ownership when, after having been published, it
 * sees no other that lives. Of any two, the later one sees the other: so there are never two owners. Of two that see
 * each other the one with the smaller name stays, so there is always one.
 *
 * Resolves to an Ownership, or to a Lease on what another process owns. Throws a UsageError when a gateway finds a
 * gateway; where it finds a command, it waits for that to end, or until the signal is aborted.
 */
export async function claim ({ socketFolder, role, dataDir, logger, signal }: OwnershipOptions): Promise<Ownership | Lease> {
  let silentSinceMs: number | null = null
  let hasSaidWaiting = false
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted()
    const owner = await findOwner(socketFolder)
    if (owner === 'none') {
      const ownership = await compete(socketFolder, role)
      if (ownership !== null) return ownership
    } else if (owner === 'silent') {
      silentSinceMs ??= Date.now()
      if (Date.now() - silentSinceMs > silentMaxMs) throw new Error(`A process that uses ${dataDir} doesn't answer; end it`)
    } else if (role === 'gateway') {
      if (owner.role === 'gateway') throw new UsageError(`${dataDir} is already used by another latchkey: end it, or set LATCHKEY_DATA_DIR.`)
      if (!hasSaidWaiting) logger.info('Waiting for a latchkey command to end that uses the embedded PostgreSQL')
      hasSaidWaiting = true
    } else {
      const lease = await Lease.take(path.join(socketFolder, owner.name))
      if (lease !== null) return lease
    }
    if (owner !== 'silent') silentSinceMs = null
    // The jitter lets one of two that stand in each other's way go first.
    await delay(Math.min(retryMs * tries, retryMaxMs) * (1 + Math.random()))
  }
}

async function findOwner (socketFolder: string): Promise<'none' | 'silent' | { name: string, role: Role }> {
  let isSilent = false
  for (const name of await listClaims(socketFolder)) {
    const found = await probe(path.join(socketFolder, name))
    if (found === 'silent') isSilent = true
    else if (found !== 'dead' && found.state === 'owner') return { name, role: found.role }
  }
  return isSilent ? 'silent' : 'none'
}

async function compete (socketFolder: string, role: Role): Promise<Ownership | null> {
  const own = await Ownership.publish(socketFolder, role)
  for (;;) {
    const rivals: string[] = []
    for (const name of await listClaims(socketFolder)) {
      if (name === own.name) continue
      const found = await probe(path.join(socketFolder, name))
      if (found === 'dead') continue
      if (found === 'silent' || found.state === 'owner' || name < own.name) {
        await own.release()
        return null
      }
      rivals.push(name)
    }
    if (rivals.length === 0) {
      own.confirm()
      return own
    }
    await delay(retryMs)
  }
}

/** A published claim; once confirmed, the right to use the data folder, held until `release`. */
export class Ownership {
  readonly name: string
  readonly #file: string
  readonly #server: Server
  readonly #role: Role
  readonly #connections = new Set<Socket>()
  readonly #leases = new Set<Socket>()
  #state: ClaimState = 'candidate'
  #url: string | null = null
  #isDraining = false

  static async publish (socketFolder: string, role: Role): Promise<Ownership> {
    const name = `${randomBytes(idBytes).toString('hex')}.sock`
    const ownership = new Ownership(path.join(socketFolder, name), role)
    const unpublished = path.join(socketFolder, name.replace('.sock', '.new'))
    ownership.#server.listen(unpublished)
    await once(ownership.#server, 'listening')
    await rename(unpublished, ownership.#file)
    return ownership
  }

  private constructor (file: string, role: Role) {
    this.#file = file
    this.name = path.basename(file)
    this.#role = role
    this.#server = createServer((socket) => this.#accept(socket)).unref()
  }

  confirm (): void {
    this.#state = 'owner'
  }

  /** Hands the connection URL to those that hold a lease, now and later. */
  offer (url: string): void {
    this.#url = url
    for (const socket of this.#leases) this.#sendUrl(socket)
  }

  /** Admits no more leases, and waits until those given have ended, but `timeoutMs` at most. */
  async drain (timeoutMs: number): Promise<void> {
    this.#isDraining = true
    const deadlineMs = Date.now() + timeoutMs
    while (this.#leases.size > 0 && Date.now() < deadlineMs) await delay(retryMs)
  }

  async release (): Promise<void> {
    await unlink(this.#file).catch(() => {})
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#connections) socket.destroy()
    await closed
  }

  #accept (socket: Socket): void {
    socket.unref()
    this.#connections.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#connections.delete(socket)
      this.#leases.delete(socket)
    })
    createInterface({ input: socket }).on('error', () => {}).on('line', (line) => {
      if (line !== 'lease') return
      if (this.#isDraining || this.#state !== 'owner') {
        socket.destroy()
      } else {
        this.#leases.add(socket)
        this.#sendUrl(socket)
      }
    })
    socket.write(`${JSON.stringify({ state: this.#state, role: this.#role })}\n`)
  }

  #sendUrl (socket: Socket): void {
    if (this.#url !== null) socket.write(`${JSON.stringify({ url: this.#url })}\n`)
  }
}
