import type { Logger } from 'pino'
import { SparingLog } from '../../database/sparing-log.ts'
import type { Backlog } from '../backlog.ts'
import type { DropReason } from '../drop-log.ts'
import type { EncodedRows } from '../encoded-rows.ts'
import type { Segment } from '../segment.ts'
import { isMissing } from './files.ts'
import { checksummed } from './segment-format.ts'
import type { Leftover, Spool } from './spool.ts'

export interface SpoolFeederOptions {
  readonly backlog: Backlog
  /** Rejects where the disk, or the database that names itself, isn't there yet: it is called again then. */
  readonly open: () => Promise<Spool>
  /** Whether the segments of that process, should it have died, will be given to one of us by `inherit`. */
  readonly isInherited?: (name: string) => boolean
  readonly bytesMax: number
  readonly whenFull: 'dropNewest' | 'dropOldest'
  readonly fsync: 'never' | 'flush' | 'always'
  /** Segments were found. */
  readonly onRecovered: (rows: number) => void
  readonly onDropped: (reason: DropReason, rows: number) => void
  /** Rows have changed places. */
  readonly onMoved: () => void
  readonly logger: Logger
}

export interface SpoolStats {
  readonly bytes: number
  /** 1: it works. Neither until it was tried. */
  readonly up: number
  /** 1: it doesn't, rows that can't be stored now are in memory only. */
  readonly down: number
}

/** Half of what a row may take to get to the disk; the rest is for writing it. */
const appendWithinMs = 50
const retryEveryMs = 1_000
/** A disk that doesn't answer is no disk. */
const stuckAfterMs = 5_000
const lookForLeftoversEveryMs = 10_000
const sayEveryMs = 60_000

/**
 * Brings what is recorded to the disk soon after, whatever the store does, and finds what processes that died have
 * left there. Where the disk fails, rows stay in memory as if there were none, and it is tried again.
 */
export class SpoolFeeder {
  readonly #options: SpoolFeederOptions
  readonly #log: SparingLog
  #spool: Spool | null = null
  #isUp: boolean | null = null
  #timer: NodeJS.Timeout | null = null
  #lookTimer: NodeJS.Timeout | undefined
  #appending: Promise<void> = Promise.resolve()
  #nextAppend: Promise<void> | null = null
  #isSyncing = false
  #looking: Promise<unknown> = Promise.resolve()
  #opening: Promise<void> | null = null
  #opened: (spool: Spool) => void = () => {}
  #wasTried: () => void = () => {}
  readonly #tried = new Promise<void>(resolve => { this.#wasTried = resolve })
  readonly #whenOpen = new Promise<Spool>(resolve => { this.#opened = resolve })
  #isClosed = false

  constructor (options: SpoolFeederOptions) {
    this.#options = options
    this.#log = new SparingLog(options.logger, { everyMs: sayEveryMs })
  }

  /** The store was reached: begins, and goes on trying where that fails. Resolves when it has been tried once. */
  async start (): Promise<void> {
    this.#opening ??= this.#open()
    await this.#tried
  }

  stats (): SpoolStats {
    return { bytes: this.#spool?.bytes ?? 0, up: Number(this.#isUp === true), down: Number(this.#isUp === false) }
  }

  /** There are rows that aren't on the disk. */
  due (delayMs = appendWithinMs): void {
    if (this.#timer !== null || this.#spool === null || this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.append().catch(() => {})
    }, delayMs).unref()
    if (this.#isUp === true && delayMs === appendWithinMs) this.#makeReady(this.#spool)
  }

  /** Appends all rows that there are now. Never rejects: what the disk doesn't take goes on waiting. */
  async append (): Promise<void> {
    // Whoever comes while one waits for another's end is served by it as well.
    this.#nextAppend ??= this.#appending.then(async () => {
      this.#nextAppend = null
      const stuck = setTimeout(() => this.#failed(new Error(`nothing could be appended for ${stuckAfterMs / 1000} s`)), stuckAfterMs).unref()
      await this.#appendAll()
      clearTimeout(stuck)
    })
    this.#appending = this.#nextAppend
    await this.#nextAppend
  }

  /** A flush has ended: what it left is to be on the disk for sure. Never rejects. */
  async flushed (): Promise<void> {
    if (this.#options.fsync !== 'flush' || this.#isSyncing) return
    this.#isSyncing = true
    await this.#sync()
    this.#isSyncing = false
  }

  async #sync (): Promise<void> {
    try {
      await this.#syncAll()
    } catch (err) {
      this.#failed(err)
    }
  }

  async #syncAll (): Promise<void> {
    for (const { file } of this.#options.backlog.onDisk()) if (file?.isSynced === false) await this.#spool?.sync(file)
  }

  /** The rows of a segment that is on the disk only; null where its file is gone. Rejects where it can't be read now. */
  async load ({ id, file }: Segment): Promise<EncodedRows | null> {
    try {
      return await this.#spool!.read(file!)
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err
      this.#options.logger.error({ err, segment: id }, 'a usage segment is gone: somebody has removed its file')
      return null
    }
  }

  /** Resolves when the segment's file is gone; false: it can't be removed. */
  async remove ({ file }: Segment): Promise<boolean> {
    return file === null || this.#spool === null || await this.#spool.remove(file)
  }

  /** Takes over what these processes have left, and hands it to `take` all at once. */
  async inherit (names: readonly string[], take: (rows: number) => void): Promise<void> {
    const spool = await this.#whenOpen
    const leftovers: Leftover[] = []
    let isAll = false
    while (!isAll && !this.#isClosed) {
      await this.#look(async () => {
        for await (const leftover of spool.adopt({ names })) leftovers.push(leftover)
        isAll = true
      })
      if (!isAll) await pause(retryEveryMs)
    }
    if (!isAll) return
    for (const leftover of leftovers) this.#options.backlog.recover(leftover)
    take(leftovers.reduce((sum, { rows }) => sum + rows, 0))
  }

  /** What is on the disk stays there. To be called when nothing else is. */
  async close (): Promise<void> {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    clearTimeout(this.#lookTimer)
    await this.#looking
    await this.append()
    await this.#sync()
    const spool = this.#spool
    this.#spool = null
    await spool?.close()
  }

  async #open (): Promise<void> {
    const { open, logger } = this.#options
    while (!this.#isClosed) {
      try {
        this.#spool = await open()
        break
      } catch (err) {
        this.#failed(err)
        this.#wasTried()
        await pause(retryEveryMs)
      }
    }
    if (this.#isClosed) {
      this.#wasTried()
      await this.#spool?.close()
      return
    }
    this.#opened(this.#spool!)
    this.#works()
    this.#wasTried()
    this.due()
    const others = await this.#spool!.otherInstallations().catch(() => [])
    if (others.length > 0) logger.warn({ installations: others }, 'the spool holds usage rows of other databases, which wait for a gateway that uses those')
    this.#lookForLeftovers()
  }

  #lookForLeftovers (): void {
    const { backlog, isInherited, onRecovered } = this.#options
    const spool = this.#spool!
    this.#look(async () => {
      for await (const leftover of spool.adopt({ isOurs: isInherited ?? (() => false) })) {
        backlog.recover(leftover)
        onRecovered(leftover.rows)
      }
    }).catch(() => {}).finally(() => {
      if (!this.#isClosed) this.#lookTimer = setTimeout(() => this.#lookForLeftovers(), lookForLeftoversEveryMs).unref()
    })
  }

  /** One look at a time. */
  async #look (work: () => Promise<void>): Promise<void> {
    this.#looking = this.#looking.then(work).catch(err => {
      this.#log.error('leftovers', { err }, 'not all that others have left in the usage spool could be taken over: it is tried again')
    })
    await this.#looking
  }

  /** Makes the file that rows will be appended to in a moment. */
  #makeReady (spool: Spool): void {
    const segment = this.#options.backlog.unspooled().at(-1)
    if (segment === undefined || segment.file !== null || segment.isDone) return
    segment.file = spool.newFile(segment.id)
    spool.makeReady(segment.file)
  }

  async #appendAll (): Promise<void> {
    const { backlog, fsync } = this.#options
    const spool = this.#spool
    if (spool === null) return
    const failures: unknown[] = []
    for (const segment of backlog.unspooled()) {
      // Stored, while those before it were appended.
      if (segment.isDone || segment.bytes === null) continue
      const rows = checksummed(segment.bytes.subarray(segment.endOnDisk, segment.end))
      if (!this.#hasRoom(spool, rows.length)) return this.#full()
      // What is wrong with one file, such as that it is gone, needn't be so with the next.
      await this.#append(spool, segment, rows).catch((err: unknown) => failures.push(err))
    }
    if (failures.length === 0 && fsync === 'always') await this.#syncAll().catch((err: unknown) => failures.push(err))
    if (failures.length > 0) {
      this.#failed(failures[0])
      return this.due(retryEveryMs)
    }
    this.#works()
    // Recorded meanwhile.
    if (backlog.unspooled().length > 0) this.due()
  }

  async #append (spool: Spool, segment: Segment, rows: Buffer): Promise<void> {
    const { backlog, onMoved } = this.#options
    const { end, count } = segment
    const file = segment.file ??= spool.newFile(segment.id)
    try {
      await spool.append(file, rows)
    } catch (err) {
      if (isMissing(err) && segment.countOnDisk > 0 && !segment.isDone) {
        // All of it goes to a new file with the next try.
        backlog.gone(segment)
        onMoved()
        await spool.remove(file)
      }
      throw err
    }
    backlog.appended(segment, end, count)
    onMoved()
  }

  /** After the oldest rows have given place, where they are to. */
  #hasRoom (spool: Spool, bytes: number): boolean {
    const { backlog, bytesMax, whenFull, onDropped, onMoved } = this.#options
    while (spool.bytes + bytes > bytesMax) {
      const oldest = whenFull === 'dropOldest' ? backlog.takeOldestOnDisk() : undefined
      if (oldest === undefined) return false
      onDropped('spool full', backlog.finish(oldest))
      onMoved()
      spool.remove(oldest.file!).catch(() => {})
    }
    return true
  }

  #full (): void {
    this.#log.error('full', { bytesMax: this.#options.bytesMax }, 'the usage spool is full (usage.spoolBytesMax): new rows wait in memory, and are lost when that is full, too')
    this.due(retryEveryMs)
  }

  #failed (err: unknown): void {
    this.#isUp = false
    this.#log.error('down', { err }, 'usage cannot be spooled: rows wait in memory, and a crash would lose those that are not in the database yet. Make room on, or mend, the disk of LATCHKEY_DATA_DIR')
  }

  #works (): void {
    const isBack = this.#isUp === false
    this.#isUp = true
    if (!isBack) return
    this.#log.forget('down')
    this.#options.logger.info('usage is spooled again')
  }
}

function pause (ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}
