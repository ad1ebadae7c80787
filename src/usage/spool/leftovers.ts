import { readdir, readFile, rename, rmdir, truncate, unlink } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { isMissing } from './files.ts'
import { hasOwner } from './owner.ts'
import { isSegment, segmentHeader, wholeRows } from './segment-format.ts'

export const segmentExtension = '.rows'
/** An id and nothing else: it goes into the database. */
const segmentName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.rows$/

export interface LeftoversOptions {
  /** Of the folders of all processes. */
  readonly parent: string
  /** Of our own among them. */
  readonly name: string
  /** Where owners of folders say that they live. */
  readonly owners: string
  /** Names of files in our own folder that are somebody's business already. Those that are found are added. */
  readonly known: Set<string>
  readonly logger: Logger
}

/** A segment that was found, with its rows counted. */
export interface FoundSegment {
  readonly id: string
  readonly path: string
  readonly bytes: number
  readonly rows: number
}

/** What processes that have died left in their folders. */
export class Leftovers {
  readonly #options: LeftoversOptions

  constructor (options: LeftoversOptions) {
    this.#options = options
  }

  /**
   * Takes over the segments of processes that have died: of those named, or of all but those that `isOurs` says
   * somebody else will. Of several who try one gets them. What isn't whole is logged. Rejects, behind all others, where
   * some could not be taken: what is left of them is found the next time.
   */
  async * take ({ names, isOurs = () => false }: { readonly names?: readonly string[], readonly isOurs?: (name: string) => boolean } = {}): AsyncGenerator<FoundSegment> {
    const failures: unknown[] = []
    for (const name of names ?? await readdir(this.#options.parent)) {
      if (name === this.#options.name || (names === undefined && isOurs(name))) continue
      try {
        await this.#takeFolder(name, names !== undefined)
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

  get #folder (): string {
    return path.join(this.#options.parent, this.#options.name)
  }

  /** The folder of a process that has died, into our own. Does nothing where there is none, or its process lives. */
  async #takeFolder (name: string, mustBeDead: boolean): Promise<void> {
    if (await hasOwner(this.#options.owners, name)) {
      if (mustBeDead) throw new Error(`the owner of ${name} in the usage spool seems to live`)
      return
    }
    try {
      await rename(path.join(this.#options.parent, name), path.join(this.#folder, name))
    } catch (err) {
      if (!isMissing(err)) throw err
    }
  }

  /** Files in our folder that nobody knows of, and those of folders that were taken, at any depth, moved into it. */
  async * #unknownFiles (folder: string): AsyncGenerator<string> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        yield * this.#unknownFiles(path.join(folder, entry.name))
      } else if (!this.#options.known.has(entry.name)) {
        const file = path.join(this.#folder, entry.name)
        if (folder !== this.#folder) await rename(path.join(folder, entry.name), file)
        if (segmentName.test(entry.name)) yield file
      }
    }
    if (folder !== this.#folder) await rmdir(folder).catch(() => {})
  }

  async #examine (file: string): Promise<FoundSegment | null> {
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
      this.#options.logger.error({ segment: path.basename(file), rows: rows.count, bytesLost }, 'a usage segment was damaged: what is not a whole row is left out')
      // What reads it passes over that all the same.
      await truncate(file, end).catch(() => {})
    }
    this.#options.known.add(path.basename(file))
    return { id: path.basename(file, segmentExtension), path: file, bytes: content.length, rows: rows.count }
  }

  /** Of another version of this product, or damaged altogether: somebody may still make something of it. */
  async #putAside (file: string, { length }: Buffer): Promise<null> {
    this.#options.logger.error({ file: `${file}.unreadable`, bytes: length }, 'a usage segment cannot be read, and is put aside')
    await rename(file, `${file}.unreadable`)
    return null
  }
}
