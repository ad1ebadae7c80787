import { once } from 'node:events'
import { open, rename, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'

/** The kernels' limits are 104 (macOS) and 108 (Linux) bytes, with the closing NUL. */
const pathBytesMax = 103

/**
 * Says that the process which owns a folder of segments lives: a Unix socket that goes with the process, however that
 * ends, where a process id may be anybody's in a container. It is always beside the segments: whoever sees these sees
 * whether somebody owns them.
 */
export class Owner {
  readonly #file: string
  readonly #server: Server

  /** Resolves when everybody can see that `name`, used by nobody before, has an owner. */
  static async publish (folder: string, name: string): Promise<Owner> {
    const server = createServer(socket => socket.destroy()).unref()
    const unpublished = `${name}.new`
    await withShortPath(folder, unpublished, async file => {
      server.listen(file)
      await once(server, 'listening')
    })
    try {
      // Moved into place when it listens: one that refuses connections is certainly dead.
      await rename(path.join(folder, unpublished), path.join(folder, name))
    } catch (err) {
      // Takes the socket's file along.
      server.close()
      throw err
    }
    return new Owner(path.join(folder, name), server)
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
export async function hasOwner (folder: string, name: string): Promise<boolean> {
  return await withShortPath(folder, name, async file => {
    const socket = connect(file)
    try {
      await once(socket, 'connect')
      return true
    } catch (err) {
      const { code } = err as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') return true
      await unlink(path.join(folder, name)).catch(() => {})
      return false
    } finally {
      socket.destroy()
    }
  })
}

/** A socket's address holds little: a longer path is taken by way of its folder, opened. */
async function withShortPath<T> (folder: string, name: string, work: (file: string) => Promise<T>): Promise<T> {
  const file = path.join(folder, name)
  if (Buffer.byteLength(file) <= pathBytesMax) return await work(file)
  if (process.platform !== 'linux') throw new Error(`${folder} is too long a path for a socket: give LATCHKEY_DATA_DIR a shorter one`)
  const handle = await open(folder, 'r')
  try {
    return await work(`/proc/self/fd/${handle.fd}/${name}`)
  } finally {
    await handle.close()
  }
}
