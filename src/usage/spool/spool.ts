import { open, readdir, readFile, rmdir, unlink, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { giveToOwnerOf } from '../../database/embedded/secrets.ts'
import type { EncodedRows } from '../encoded-rows.ts'
import { isMissing, makeFolder, withOpen, writeAll } from './files.ts'
import { Leftovers, segmentExtension } from './leftovers.ts'
import { Owner } from './owner.ts'
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
  isMade: boolean
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
  readonly #leftovers: Leftovers
  readonly #underWay = new Set<Promise<unknown>>()
  #owner: Owner
  readonly #removal: { turn: Promise<unknown> } = { turn: Promise.resolve() }
  /** Appended to last. It and the one made ready are kept open, and no others: an outage makes thousands. */
  #current: SegmentFile | null = null
  /** Made last, and without rows. */
  #ready: SegmentFile | null = null
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
    this.#leftovers = new Leftovers({ parent, name, owners: ownersOf(data), known: this.#known, logger })
  }

  /** Of all segments that are not to be removed. */
  get bytes (): number {
    return this.#bytes
  }

  /** The file is made with the first rows that are appended, or by `makeReady`. */
  newFile (id: string): SegmentFile {
    this.#known.add(id + segmentExtension)
    return fileAt(path.join(this.#folder, id + segmentExtension), 0)
  }

  /** Makes the file, so that the first rows needn't wait for that. Where it fails, appending to it will say so. */
  makeReady (file: SegmentFile): void {
    this.#letGo(this.#ready)
    this.#ready = file
    this.#inTurn(file, async () => {
      if (!file.isRemoved) file.handle ??= await this.#open(file)
    }).catch(() => {})
  }

  /**
   * Rejects where the disk won't take all of it; the same rows can then be appended again, and overwrite what it took.
   * `isMissing` tells of the error whether what was appended before is there no more.
   */
  async append (file: SegmentFile, rows: Buffer): Promise<void> {
    if (this.#current !== file) this.#letGo(this.#current)
    if (this.#ready === file) this.#ready = null
    this.#current = file
    await this.#inTurn(file, async () => {
      if (file.isRemoved) return
      file.handle ??= await this.#open(file)
      const bytes = file.bytes === 0 ? Buffer.concat([segmentHeader, rows]) : rows
      try {
        await writeAll(file.handle, bytes, file.bytes)
      } catch (err) {
        // A disk that comes back may want its files opened again.
        await closeHandle(file).catch(() => {})
        throw err
      }
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
        await closeHandle(file)
        if (file.isMade) await unlink(file.path)
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
  async * adopt (which: { readonly names?: readonly string[], readonly isOurs?: (name: string) => boolean } = {}): AsyncGenerator<Leftover> {
    for await (const { id, path, bytes, rows } of this.#leftovers.take(which)) {
      this.#bytes += bytes
      yield { id, file: fileAt(path, bytes), rows }
    }
  }

  /** Names of other databases for which rows wait here. */
  async otherInstallations (): Promise<string[]> {
    const spool = path.join(this.#data, 'spool')
    const others = new Set<string>()
    for (const entry of await readdir(spool, { recursive: true })) {
      const [installation = ''] = entry.split(path.sep)
      if (entry.endsWith(segmentExtension) && installation !== path.basename(this.#parent)) others.add(installation)
    }
    return [...others]
  }

  /** Segments stay, and may be taken over from now on. */
  async close (): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    for (const file of [this.#current, this.#ready]) if (file !== null) await closeHandle(file).catch(() => {})
    // Only if it is empty.
    await rmdir(this.#folder).catch(() => {})
    await this.#owner.release()
  }

  get #folder (): string {
    return path.join(this.#parent, this.#name)
  }

  async #open (file: SegmentFile): Promise<FileHandle> {
    if (file.bytes > 0) return await open(file.path, 'r+')
    file.isMade = true
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

  #letGo (file: SegmentFile | null): void {
    if (file !== null) this.#inTurn(file, async () => await closeHandle(file)).catch(() => {})
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
  return { path: file, bytes, isMade: bytes > 0, isSynced: true, isRemoved: false, handle: null, turn: Promise.resolve() }
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

async function closeHandle (file: SegmentFile): Promise<void> {
  const { handle } = file
  file.handle = null
  await handle?.close()
}
