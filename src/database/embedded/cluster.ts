import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { UsageError } from '../../errors.ts'
import type { Binaries } from './binaries.ts'
import { childEnvironment } from './child-environment.ts'
import { identity, type ServerUser } from './server-user.ts'

const run = promisify(execFile)

/** The database superuser of every cluster made here. */
export const superuser = 'latchkey'

export interface ClusterOptions {
  readonly binaries: Binaries
  /** Where the cluster is or will be; its parent folder exists. */
  readonly folder: string
  readonly password: string
  readonly user: ServerUser | null
  /** False only for data that may be lost, as in tests. */
  readonly isDurable?: boolean
}

/**
 * Makes a PostgreSQL cluster at `folder` unless there is one. It is made beside and renamed when complete, so a kill
 * at any moment leaves nothing that looks like a cluster. Only one process at a time may call this for a folder.
 * Throws a UsageError when the data there is another major version's.
 */
export async function ensureCluster (options: ClusterOptions): Promise<void> {
  const { binaries, folder } = options
  await removeUnfinished(folder)
  const found = await versionOf(folder)
  if (found === null) return await createCluster(options)
  const wanted = binaries.majorVersion
  if (found !== wanted) {
    throw new UsageError(`The database in ${folder} was made by PostgreSQL ${found}, and this is PostgreSQL ${wanted}, ` +
      'which can\'t read it. Dump it with the version that made it, move the folder away, and restore the dump.')
  }
}

export async function hasCluster (folder: string): Promise<boolean> {
  return await versionOf(folder) !== null
}

async function versionOf (folder: string): Promise<string | null> {
  return await readFile(path.join(folder, 'PG_VERSION'), 'utf8').then((text) => text.trim(), () => null)
}

async function createCluster ({ binaries, folder, password, user, isDurable = true }: ClusterOptions): Promise<void> {
  const unfinished = `${folder}.${randomBytes(6).toString('hex')}${unfinishedSuffix}`
  const passwordFile = path.join(unfinished, 'password')
  const data = path.join(unfinished, 'data')
  await mkdir(unfinished, { mode: 0o700 })
  try {
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (user !== null) {
      await chown(passwordFile, user.uid, user.gid)
      await chown(unfinished, user.uid, user.gid)
    }
    await run(binaries.initdb, [
      '--pgdata', data, '--username', superuser, '--pwfile', passwordFile, '--auth', 'scram-sha-256',
      '--encoding', 'UTF8', '--locale', 'C', ...builtinLocale(binaries.majorVersion),
      ...(isDurable ? [] : ['--no-sync']),
    ], { cwd: '/', env: childEnvironment, ...identity(user) })
    await rename(data, folder)
  } catch (err) {
    throw initdbError(err)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Sorts and folds Unicode without a library of the system's, whose next version may sort differently. */
function builtinLocale (majorVersion: string): string[] {
  return Number(majorVersion) >= 17 ? ['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'] : []
}

const unfinishedSuffix = '.new'

async function removeUnfinished (folder: string): Promise<void> {
  const parent = path.dirname(folder)
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${path.basename(folder)}.`) || !name.endsWith(unfinishedSuffix)) continue
    await rm(path.join(parent, name), { recursive: true, force: true })
  }
}

function initdbError (err: unknown): Error {
  const { code, stderr } = err as { code?: unknown, stderr?: string }
  if (code === 'ENOENT' || code === 'ENOEXEC') {
    // The file is there; what is missing is its loader, as on systems without glibc.
    return new UsageError('The embedded PostgreSQL can\'t run on this system: set DATABASE_URL to a Postgres of your own.', { cause: err })
  }
  return new Error(`The embedded PostgreSQL could not be initialised: ${stderr?.trim() || String(err)}`, { cause: err })
}
