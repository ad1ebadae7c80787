import type pg from 'pg'
import { UsageError } from '../../errors.ts'
import type { TextFormat } from '../../usage/export/text-format.ts'
import type { ExportFile, LockFile } from './export-file.ts'

export interface SinkOptions {
  /** A file; left out: standard output. */
  readonly output?: string
  readonly resume?: boolean
  /** Whether the format's header is wanted. */
  readonly header: boolean
}

/** Where an export goes. */
export interface Sink {
  /** Of the last row that is there already; 0: there is none. */
  readonly lastId: number
  readonly needsHeader: boolean
  /** Resolves once the text has been taken, so that no more than one is held; false where nobody will take it. */
  write (text: string): Promise<boolean>
  close (): Promise<void>
}

export async function openSink (pool: pg.Pool, { output, resume = false, header }: SinkOptions, format: TextFormat): Promise<Sink> {
  if (output === undefined) return { lastId: 0, needsHeader: header && format.header !== '', write: writeToReader, close: async () => {} }
  const [{ createExportFile, resumeExportFile }, { lockExportFile }] = await Promise.all([import('./export-file.ts'), import('./export-lock.ts')])
  const lockFile: LockFile = async (handle, path) => await lockExportFile(pool, handle, path)
  const file = resume ? await resumeExportFile(output, format, lockFile) : await createExportFile(output, lockFile)
  return {
    lastId: file.lastId,
    needsHeader: file.isEmpty && header && format.header !== '',
    write: writerTo(file, output),
    close: async () => {
      await file.handle.close()
      await file.lock.release()
    },
  }
}

/**
 * What is written has reached the disk: whoever deletes the rows next loses nothing. The lock holds among those that ask
 * the same database about the same device; the file's size shows whoever else writes to it.
 */
function writerTo ({ handle, lock, sizeBytes }: ExportFile, path: string): Sink['write'] {
  let expectedBytes = sizeBytes
  return async text => {
    lock.demandHeld()
    const { size } = await handle.stat()
    if (size !== expectedBytes) throw new UsageError(`Somebody else has written to ${path}, which had ${expectedBytes} bytes and has ${size}: what is in it can no longer be told. Export into a new file.`)
    await handle.appendFile(text)
    await handle.datasync()
    expectedBytes += Buffer.byteLength(text)
    return true
  }
}

async function writeToReader (text: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    process.stdout.write(text, err => {
      if (err === null || err === undefined) resolve(true)
      else if ('code' in err && (err.code === 'EPIPE' || err.code === 'ERR_STREAM_DESTROYED')) resolve(false)
      else reject(err)
    })
  })
}
