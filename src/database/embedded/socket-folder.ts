import { createHash } from 'node:crypto'
import { lstat, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { UsageError } from '../../errors.ts'
import { giveToOwnerOf } from './secrets.ts'

/** The kernels' limits are 104 (macOS) and 108 (Linux) bytes, with the closing NUL and the name in the folder. */
const pathBytesMax = 80

/**
 * Makes the folder of a data folder's sockets: inside it, or in the system's folder for temporary files where its
 * path would be too long for a socket's address. The latter is checked to be nobody else's.
 */
export async function makeSocketFolder (dataDir: string): Promise<string> {
  const inside = path.join(dataDir, 'sockets')
  if (Buffer.byteLength(inside) <= pathBytesMax) {
    if (await make(inside)) await giveToOwnerOf(dataDir, inside)
    return inside
  }
  const { uid } = await stat(dataDir)
  const name = `latchkey-${uid}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`
  // Not the environment's TMPDIR where there is a choice: all processes of a data folder have to meet here.
  const folder = path.join(await stat('/tmp').then(() => '/tmp', () => tmpdir()), name)
  if (await make(folder)) await giveToOwnerOf(dataDir, folder)
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new UsageError(`${folder} belongs to somebody else: give the data folder a shorter path with LATCHKEY_DATA_DIR.`)
  }
  return folder
}

async function make (folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 })
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  }
}
