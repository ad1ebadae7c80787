import { mkdir, open, readdir, readFile, rename, rmdir, truncate, unlink, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { giveToOwnerOf } from '../../database/embedded/secrets.ts'
import { makeSocketFolder } from '../../database/embedded/socket-folder.ts'
import type { EncodedRows } from '../encoded-rows.ts'
import { hasOwner, Owner } from './owner.ts'
import { segmentHeader, wholeRows } from './segment-format.ts'

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
 * stored: `<data folder>/spool/<installation>/<name>/<segment's id>.rows`. What is asked of it is done in turn.
 */
export class Spool {
  readonly #data: string
  readonly #parent: string
  readonly #folder: string
  readonly #sockets: string
  #owner: Owner
  readonly #logger: Logger
  #turn: Promise<unknown> = Promise.resolve()
  #current: { readonly file: SegmentFile, readonly handle: FileHandle } | null = null
  #bytes = 0

  /** Rejects where the data folder can't be written to. */
  static async open ({ dataDir, installationId, name, logger }: SpoolOptions): Promise<Spool> {
    const data = path.resolve(dataDir)
    const parent = path.join(data, 'spool', installationId)
    await makeFolder(parent, data)
    const sockets = await makeSocketFolder(data)
    // Before there is a folder that somebody could take for a dead process'.
    const owner = await Owner.publish(sockets, name)
    try {
      await makeFolder(path.join(parent, name), data)
    } catch (err) {
      await owner.release()
      throw err
    }
    return new Spool(data, parent, name, sockets, owner, logger)
  }

  private constructor (data: string, parent: string, name: string, sockets: string, owner: Owner, logger: Logger) {
    this.#data = data
    this.#parent = parent
    this.#folder = path.join(parent, name)
    this.#sockets = sockets
    this.#owner = owner
    this.#logger = logger
  }

  /** Of all segments that are not to be removed. */
  get bytes (): number {
    return this.#bytes
  }

  /** The file is made with the first rows that are appended. */
  newFile (id: string): SegmentFile {
    return { path: path.join(this.#folder, id + extension), bytes: 0, isSynced: true, isRemoved: false }
  }

  /** Rejects where the disk won't take all of it; the same rows can then be appended again, and overwrite what it took. */
  async append (file: SegmentFile, rows: Buffer): Promise<void> {
    await this.#inTurn(async () => {
      if (file.isRemoved) return
      const handle = await this.#handleOf(file)
      const bytes = file.bytes === 0 ? Buffer.concat([segmentHeader, rows]) : rows
      await writeAll(handle, bytes, file.bytes)
      file.isSynced = false
      // Removed while it was written: its bytes are no longer counted.
      if (!file.isRemoved) this.#bytes += bytes.length
      file.bytes += bytes.length
    })
  }

  /** Resolves when what was appended is on the disk itself. */
  async sync (file: SegmentFile): Promise<void> {
    await this.#inTurn(async () => {
      if (file.isSynced || file.isRemoved) return
      await (await this.#handleOf(file)).datasync()
      await syncFolder(this.#folder)
      file.isSynced = true
    })
  }

  async read (file: SegmentFile): Promise<EncodedRows> {
    return await this.#inTurn(async () => wholeRows(await readFile(file.path)).rows)
  }

  /** Resolves when the file is gone; logs where it can't be removed: it is found at the next start then, and its rows are known to be stored. */
  async remove (file: SegmentFile): Promise<void> {
    if (file.isRemoved) return
    file.isRemoved = true
    this.#bytes -= file.bytes
    await this.#inTurn(async () => {
      const isOpen = this.#current?.file === file
      if (isOpen) await this.#closeCurrent()
      if (!isOpen && file.bytes === 0) return
      try {
        await unlink(file.path)
      } catch (err) {
        if (!isMissing(err)) this.#logger.error({ err }, 'a usage segment could not be removed')
      }
    })
  }

  /**
   * Takes over the segments of processes that have died: of those named, or of all but those that `isOurs` says
   * somebody else will. Of several who try one gets them. What isn't whole is cut off and logged.
   */
  async * adopt ({ names, isOurs = () => false }: { readonly names?: readonly string[], readonly isOurs?: (name: string) => boolean } = {}): AsyncGenerator<Leftover> {
    // Where that failed half-way the last time.
    for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
      if (entry.isDirectory()) yield * this.#found(path.join(this.#folder, entry.name))
    }
    for (const name of names ?? await readdir(this.#parent)) {
      if (name === path.basename(this.#folder) || (names === undefined && isOurs(name))) continue
      if (await hasOwner(this.#sockets, name)) continue
      const taken = path.join(this.#folder, name)
      try {
        await rename(path.join(this.#parent, name), taken)
      } catch (err) {
        if (isMissing(err)) continue
        throw err
      }
      yield * this.#found(taken)
    }
  }

  /** Names of other databases for which rows wait here. */
  async otherInstallations (): Promise<string[]> {
    const others: string[] = []
    for (const name of await readdir(path.dirname(this.#parent))) {
      if (name === path.basename(this.#parent)) continue
      const owners = await readdir(path.join(path.dirname(this.#parent), name)).catch(() => [])
      for (const owner of owners) {
        if ((await readdir(path.join(path.dirname(this.#parent), name, owner)).catch(() => [])).length > 0) others.push(name)
      }
    }
    return [...new Set(others)]
  }

  /** Segments stay, and may be taken over from now on. */
  async close (): Promise<void> {
    await this.#inTurn(async () => {
      await this.#closeCurrent().catch(() => {})
      // Only if it is empty.
      await rmdir(this.#folder).catch(() => {})
      await this.#owner.release()
    })
  }

  async * #found (folder: string): AsyncGenerator<Leftover> {
    for await (const file of this.#flattened(folder)) {
      const leftover = await this.#examine(file)
      if (leftover !== null) yield leftover
    }
  }

  /** The files of an adopted folder, those that it had adopted itself included, moved into our own. */
  async * #flattened (folder: string): AsyncGenerator<string> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const from = path.join(folder, entry.name)
      if (entry.isDirectory()) {
        yield * this.#flattened(from)
      } else if (segmentName.test(entry.name)) {
        const to = path.join(this.#folder, entry.name)
        await rename(from, to)
        yield to
      }
    }
    await rmdir(folder).catch(() => {})
  }

  async #examine (file: string): Promise<Leftover | null> {
    const content = await readFile(file)
    const { rows, bytes } = wholeRows(content)
    if (bytes < content.length) {
      this.#logger.error({ segment: path.basename(file), rows: rows.count, bytesCut: content.length - bytes }, 'a usage segment was damaged: what is behind its last whole row is cut off')
      // What reads it stops there all the same.
      await truncate(file, bytes).catch(() => {})
    }
    if (rows.count === 0) {
      await unlink(file).catch(() => {})
      return null
    }
    this.#bytes += bytes
    return { id: path.basename(file, extension), file: { path: file, bytes, isSynced: true, isRemoved: false }, rows: rows.count }
  }

  /** One file is open at a time: an outage makes thousands. */
  async #handleOf (file: SegmentFile): Promise<FileHandle> {
    if (this.#current?.file === file) return this.#current.handle
    await this.#closeCurrent()
    const handle = await this.#openFile(file)
    this.#current = { file, handle }
    return handle
  }

  async #closeCurrent (): Promise<void> {
    const current = this.#current
    this.#current = null
    await current?.handle.close()
  }

  async #openFile (file: SegmentFile): Promise<FileHandle> {
    if (file.bytes > 0) return await open(file.path, 'r+')
    try {
      return await this.#openNew(file.path)
    } catch (err) {
      if (!isMissing(err)) throw err
      // Somebody has removed the folder, and with it what says that we live.
      await makeFolder(this.#folder, this.#data)
      await makeSocketFolder(this.#data)
      await this.#owner.release()
      this.#owner = await Owner.publish(this.#sockets, path.basename(this.#folder))
      return await this.#openNew(file.path)
    }
  }

  async #openNew (file: string): Promise<FileHandle> {
    const handle = await open(file, 'w', fileMode)
    await giveToOwnerOf(this.#data, file)
    return handle
  }

  async #inTurn<T> (work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return await done
  }
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

/** Else a power cut may lose the file's very name. */
async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isMissing (err: unknown): boolean {
  return (err as NodeJS.ErrnoException).code === 'ENOENT'
}
