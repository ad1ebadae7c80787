import { mkdir, open, readdir, readFile, rename, rmdir, truncate, unlink, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { giveToOwnerOf } from '../../database/embedded/secrets.ts'
import type { EncodedRows } from '../encoded-rows.ts'
import { hasOwner, Owner } from './owner.ts'
import { isSegment, segmentHeader, wholeRows } from './segment-format.ts'

export interface SpoolOptions {
  readonly dataDir: string
  /** Of the database that the rows are for: those for another one are left alone. */
  readonly installationId: string
  /** Of this process, and never used before. */
  readonly name: string
  readonly logger: Logger
}

/** A segment on its way to the disk, or there. */
export interface SegmentFile {
  readonly path: string
  bytes: number
  isSynced: boolean
  isRemoved: boolean
  /** While rows may be appended. */
  handle: FileHandle | null
  /** What is done to one file is done in turn; files don't wait for each other. */
  turn: Promise<unknown>
}

/** A segment that was found, with its rows counted. */
export interface Leftover {
  readonly id: string
  readonly file: SegmentFile
  readonly rows: number
}

const fileMode = 0o600
const folderMode = 0o700
const extension = '.rows'
/** An id and nothing else: it goes into the database. */
const segmentName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.rows$/

/**
 * A folder of segments, which this process alone appends to, and from which segments go when their rows have been
 * stored: `<data folder>/spool/<installation>/<name>/<segment's id>.rows`.
 */
export class Spool {
  readonly #data: string
  readonly #parent: string
  readonly #name: string
  readonly #logger: Logger
  /** Names of the files that are somebody's business already. */
  readonly #known = new Set<string>()
  readonly #underWay = new Set<Promise<unknown>>()
  #owner: Owner
  readonly #removal: { turn: Promise<unknown> } = { turn: Promise.resolve() }
  /** Appended to last. One file is kept open at a time: an outage makes thousands. */
  #current: SegmentFile | null = null
  #bytes = 0

  /** Rejects where the data folder can't be written to. */
  static async open ({ dataDir, installationId, name, logger }: SpoolOptions): Promise<Spool> {
    const data = path.resolve(dataDir)
    const parent = path.join(data, 'spool', installationId)
    await makeFolder(parent, data)
    // Before there is a folder that somebody could take for a dead process'.
    const owner = await publish(data, name)
    try {
      await makeFolder(path.join(parent, name), data)
    } catch (err) {
      await owner.release()
      throw err
    }
    return new Spool(data, parent, name, owner, logger)
  }

  private constructor (data: string, parent: string, name: string, owner: Owner, logger: Logger) {
    this.#data = data
    this.#parent = parent
    this.#name = name
    this.#owner = owner
    this.#logger = logger
  }

  /** Of all segments that are not to be removed. */
  get bytes (): number {
    return this.#bytes
  }

  /** The file is made with the first rows that are appended. */
  newFile (id: string): SegmentFile {
    this.#known.add(id + extension)
    return fileAt(path.join(this.#folder, id + extension), 0)
  }

  /** Rejects where the disk won't take all of it; the same rows can then be appended again, and overwrite what it took. */
  async append (file: SegmentFile, rows: Buffer): Promise<void> {
    const previous = this.#current
    this.#current = file
    if (previous !== null && previous !== file) this.#inTurn(previous, async () => await closeHandle(previous)).catch(() => {})
    await this.#inTurn(file, async () => {
      if (file.isRemoved) return
      file.handle ??= await this.#open(file)
      const bytes = file.bytes === 0 ? Buffer.concat([segmentHeader, rows]) : rows
      await writeAll(file.handle, bytes, file.bytes)
      file.isSynced = false
      // Removed while it was written: its bytes are no longer counted.
      if (!file.isRemoved) this.#bytes += bytes.length
      file.bytes += bytes.length
    })
  }

  /** Resolves when what was appended is on the disk itself. */
  async sync (file: SegmentFile): Promise<void> {
    if (file.isSynced || file.isRemoved) return
    // On a handle of its own, so that rows don't wait for a slow disk to be appended.
    const bytesBefore = file.bytes
    try {
      await withOpen(file.path, async handle => await handle.datasync())
    } catch (err) {
      if (file.isRemoved) return
      throw err
    }
    // Else a power cut may lose the file's very name.
    await withOpen(path.dirname(file.path), async handle => await handle.sync())
    file.isSynced = file.bytes === bytesBefore
  }

  async read (file: SegmentFile): Promise<EncodedRows> {
    return await this.#inTurn(file, async () => wholeRows(await readFile(file.path)).rows)
  }

  /**
   * Resolves when the file is gone: false, and it was logged, where it can't be removed. It is found at the next start
   * then.
   */
  async remove (file: SegmentFile): Promise<boolean> {
    if (file.isRemoved) return true
    file.isRemoved = true
    this.#bytes -= file.bytes
    // One at a time, or a disk that hangs would take all of the pool that Node does such things with.
    return await this.#inTurn(this.#removal, async () => await this.#inTurn(file, async () => {
      try {
        const wasMade = file.handle !== null || file.bytes > 0
        await closeHandle(file)
        if (wasMade) await unlink(file.path)
        this.#known.delete(path.basename(file.path))
        return true
      } catch (err) {
        if (isMissing(err)) return true
        this.#logger.error({ err }, 'a usage segment could not be removed')
        return false
      }
    }))
  }

  /**
   * Takes over the segments of processes that have died: of those named, or of all but those that `isOurs` says
   * somebody else will. Of several who try one gets them. What isn't whole is logged. Rejects, behind all others, where
   * some could not be taken: what is left of them is found the next time.
   */
  async * adopt ({ names, isOurs = () => false }: { readonly names?: readonly string[], readonly isOurs?: (name: string) => boolean } = {}): AsyncGenerator<Leftover> {
    const failures: unknown[] = []
    for (const name of names ?? await readdir(this.#parent)) {
      if (name === this.#name || (names === undefined && isOurs(name))) continue
      try {
        await this.#take(name, names !== undefined)
      } catch (err) {
        failures.push(err)
      }
    }
    for await (const file of this.#unknownFiles(this.#folder)) {
      try {
        const leftover = await this.#examine(file)
        if (leftover !== null) yield leftover
      } catch (err) {
        failures.push(err)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Names of other databases for which rows wait here. */
  async otherInstallations (): Promise<string[]> {
    const spool = path.join(this.#data, 'spool')
    const others = new Set<string>()
    for (const entry of await readdir(spool, { recursive: true })) {
      const [installation = ''] = entry.split(path.sep)
      if (entry.endsWith(extension) && installation !== path.basename(this.#parent)) others.add(installation)
    }
    return [...others]
  }

  /** Segments stay, and may be taken over from now on. */
  async close (): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    if (this.#current !== null) await closeHandle(this.#current).catch(() => {})
    // Only if it is empty.
    await rmdir(this.#folder).catch(() => {})
    await this.#owner.release()
  }

  get #folder (): string {
    return path.join(this.#parent, this.#name)
  }

  /** The folder of a process that has died, into our own. Does nothing where there is none, or its process lives. */
  async #take (name: string, mustBeDead: boolean): Promise<void> {
    if (await hasOwner(ownersOf(this.#data), name)) {
      if (mustBeDead) throw new Error(`the owner of ${name} in the usage spool seems to live`)
      return
    }
    try {
      await rename(path.join(this.#parent, name), path.join(this.#folder, name))
    } catch (err) {
      if (!isMissing(err)) throw err
    }
  }

  /** Files in our folder that nobody knows of, and those of folders that were taken, at any depth, moved into it. */
  async * #unknownFiles (folder: string): AsyncGenerator<string> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        yield * this.#unknownFiles(path.join(folder, entry.name))
      } else if (!this.#known.has(entry.name)) {
        const file = path.join(this.#folder, entry.name)
        if (folder !== this.#folder) await rename(path.join(folder, entry.name), file)
        if (segmentName.test(entry.name)) yield file
      }
    }
    if (folder !== this.#folder) await rmdir(folder).catch(() => {})
  }

  async #examine (file: string): Promise<Leftover | null> {
    const content = await readFile(file)
    if (content.length <= segmentHeader.length) {
      // Made, but for the first rows.
      await unlink(file).catch(() => {})
      return null
    }
    if (!isSegment(content)) return await this.#putAside(file, content)
    const { rows, end, bytesLost } = wholeRows(content)
    if (rows.count === 0) return await this.#putAside(file, content)
    if (bytesLost > 0) {
      this.#logger.error({ segment: path.basename(file), rows: rows.count, bytesLost }, 'a usage segment was damaged: what is not a whole row is left out')
      // What reads it passes over that all the same.
      await truncate(file, end).catch(() => {})
    }
    this.#bytes += content.length
    this.#known.add(path.basename(file))
    return { id: path.basename(file, extension), file: fileAt(file, content.length), rows: rows.count }
  }

  /** Of another version of this product, or damaged altogether: somebody may still make something of it. */
  async #putAside (file: string, { length }: Buffer): Promise<null> {
    this.#logger.error({ file: `${file}.unreadable`, bytes: length }, 'a usage segment cannot be read, and is put aside')
    await rename(file, `${file}.unreadable`)
    return null
  }

  async #open (file: SegmentFile): Promise<FileHandle> {
    if (file.bytes > 0) return await open(file.path, 'r+')
    try {
      return await this.#openNew(file.path)
    } catch (err) {
      if (!isMissing(err)) throw err
      // Somebody has removed the folder, and with it what says that we live.
      await this.#owner.release()
      this.#owner = await publish(this.#data, this.#name)
      await makeFolder(this.#folder, this.#data)
      return await this.#openNew(file.path)
    }
  }

  async #openNew (file: string): Promise<FileHandle> {
    const handle = await open(file, 'w', fileMode)
    try {
      await giveToOwnerOf(this.#data, file)
      return handle
    } catch (err) {
      await handle.close()
      throw err
    }
  }

  async #inTurn<T> (file: { turn: Promise<unknown> }, work: () => Promise<T>): Promise<T> {
    const done = file.turn.then(work)
    const settled = done.catch(() => {})
    file.turn = settled
    this.#underWay.add(settled)
    try {
      return await done
    } finally {
      this.#underWay.delete(settled)
    }
  }
}

function fileAt (file: string, bytes: number): SegmentFile {
  return { path: file, bytes, isSynced: true, isRemoved: false, handle: null, turn: Promise.resolve() }
}

async function publish (data: string, name: string): Promise<Owner> {
  const folder = ownersOf(data)
  await makeFolder(folder, data)
  const owner = await Owner.publish(folder, name)
  await giveToOwnerOf(data, path.join(folder, name))
  return owner
}

function ownersOf (data: string): string {
  return path.join(data, 'spool', 'owners')
}

/** Those above it, too, as far as they are missing. */
async function makeFolder (folder: string, data: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: folderMode })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length && made !== data; made = path.dirname(made)) await giveToOwnerOf(data, made)
}

async function writeAll (handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

async function closeHandle (file: SegmentFile): Promise<void> {
  const { handle } = file
  file.handle = null
  await handle?.close()
}

async function withOpen (file: string, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await work(handle)
  } finally {
    await handle.close()
  }
}

function isMissing (err: unknown): boolean {
  return (err as NodeJS.ErrnoException).code === 'ENOENT'
}
