import { once } from 'node:events'
import { rename, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'

/**
 * Says that the process which owns a folder of segments lives: a Unix socket that goes with the process, however that
 * ends, where a process id may be anybody's in a container.
 */
export class Owner {
  readonly #file: string
  readonly #server: Server

  /** Resolves when everybody can see that `name`, used by nobody before, has an owner. */
  static async publish (socketFolder: string, name: string): Promise<Owner> {
    const server = createServer(socket => socket.destroy()).unref()
    // Moved into place when it listens: one that refuses connections is certainly dead.
    const unpublished = path.join(socketFolder, `${name}.new`)
    server.listen(unpublished)
    await once(server, 'listening')
    await rename(unpublished, socketFile(socketFolder, name))
    return new Owner(socketFile(socketFolder, name), server)
  }

  private constructor (file: string, server: Server) {
    this.#file = file
    this.#server = server
  }

  async release (): Promise<void> {
    await unlink(this.#file).catch(() => {})
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }
}

/** Whether the owner may live. In doubt it does: a stopped process accepts nothing, and goes on later. */
export async function hasOwner (socketFolder: string, name: string): Promise<boolean> {
  const file = socketFile(socketFolder, name)
  const socket = connect(file)
  try {
    await once(socket, 'connect')
    return true
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ECONNREFUSED') return true
    await unlink(file).catch(() => {})
    return false
  } finally {
    socket.destroy()
  }
}

function socketFile (socketFolder: string, name: string): string {
  return path.join(socketFolder, `${name}.spool`)
}
