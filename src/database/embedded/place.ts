import { createHash } from 'node:crypto'
import { access, chmod, chown, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { UsageError } from '../../errors.ts'
import { makeOpenFolder } from './open-folder.ts'
import { canEnter, serverUser, type ServerUser } from './server-user.ts'

/** Where the cluster of a data folder is, and whom it runs as. */
export interface Place {
  readonly clusterFolder: string
  /** Where a copy of the PostgreSQL programs goes, if one is needed. */
  readonly copyFolder: string
  /** null: ourselves. */
  readonly user: ServerUser | null
}

const systemFolder = '/var/lib/latchkey'
const clusterName = 'postgres'
const noteName = 'postgres.location'

/**
 * The cluster is inside the data folder. Only for root, whose server runs as another user, it is under
 * /var/lib/latchkey when that user can't enter the data folder (one under root's home, say); a note in the data folder
 * then says where. `dataDir` is an existing folder's real path. Throws a UsageError when the cluster can't be used.
 */
export async function findPlace (dataDir: string, logger: Logger): Promise<Place> {
  const inside = path.join(dataDir, clusterName)
  const hasInside = await exists(inside)
  const user = serverUser(hasInside ? inside : dataDir)
  if (user === null) return { clusterFolder: inside, copyFolder: path.join(dataDir, 'binaries'), user }

  const copyFolder = path.join(systemFolder, 'binaries')
  const outside = path.join(systemFolder, createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
  const hasNote = await exists(path.join(dataDir, noteName))
  if (!hasNote && await exists(outside)) await setAside(outside, logger)
  const hasOutside = await exists(path.join(outside, clusterName))
  const place = hasInside || (!hasOutside && await letEnter(user, dataDir))
    ? { clusterFolder: inside, copyFolder, user }
    : { clusterFolder: path.join(outside, clusterName), copyFolder, user: serverUser(path.join(outside, clusterName)) }

  if (hasInside && !await letEnter(user, dataDir)) {
    throw new UsageError(`PostgreSQL doesn't run as root, and the user ${user.name}, as whom it runs instead, can't enter ${inside}. ` +
      'Let that user enter the folders above it, or move the data folder.')
  }
  if (!hasInside) {
    await refuseMoved(dataDir, outside)
    if (place.clusterFolder !== inside) await noteOutside(dataDir, outside)
  }
  return place
}

/** Gives the server's group the right to pass through a data folder of root's. What is in it stays closed to them. */
async function letEnter (user: ServerUser, dataDir: string): Promise<boolean> {
  if (canEnter(user, dataDir)) return true
  const { uid, mode } = await stat(dataDir)
  if (uid !== 0 || !canEnter(user, path.dirname(dataDir))) return false
  await chown(dataDir, uid, user.gid)
  await chmod(dataDir, (mode & 0o707) | 0o010)
  return canEnter(user, dataDir)
}

/** The data folder was deleted, and its password with it: what is wanted is a new database, not that one. */
async function setAside (outside: string, logger: Logger): Promise<void> {
  const aside = `${outside}.${Date.now()}.old`
  await rename(outside, aside)
  logger.warn({ folder: aside }, 'The data folder is a new one; the database of an earlier one at this path was set aside')
}

/** A data folder that was moved has its cluster under its earlier name: starting an empty one would hide it. */
async function refuseMoved (dataDir: string, outside: string): Promise<void> {
  const note = await readFile(path.join(dataDir, noteName), 'utf8').catch(() => '')
  const noted = note.split('\n', 1)[0] ?? ''
  if (noted === '' || noted === outside || !await exists(path.join(noted, clusterName))) return
  throw new UsageError(`The data folder ${dataDir} was moved or copied; its database is still in ${noted}. ` +
    `If it was moved, run: mv ${noted} ${outside}. For a new database, delete ${path.join(dataDir, noteName)}.`)
}

async function noteOutside (dataDir: string, outside: string): Promise<void> {
  try {
    await makeOpenFolder(outside)
  } catch (cause) {
    throw new UsageError(`PostgreSQL doesn't run as root, the user as whom it runs instead can't enter ${dataDir}, and ${outside} can't be made: ` +
      'set LATCHKEY_DATA_DIR to a folder below one that all users can enter.', { cause })
  }
  await writeFile(path.join(outside, 'data-folder'), `${dataDir}\n`)
  await writeFile(path.join(dataDir, noteName), `${outside}\n\nThe database of this data folder is there, as PostgreSQL's user can't enter here.\n`)
}

async function exists (file: string): Promise<boolean> {
  return await access(file).then(() => true, () => false)
}
