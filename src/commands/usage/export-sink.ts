import type { FileHandle } from 'node:fs/promises'
import type { TextFormat } from '../../usage/export/text-format.ts'

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

export async function openSink ({ output, resume = false, header }: SinkOptions, format: TextFormat): Promise<Sink> {
  if (output === undefined) return { lastId: 0, needsHeader: header && format.header !== '', write: writeToReader, close: async () => {} }
  const { createExportFile, resumeExportFile } = await import('./export-file.ts')
  const { handle, lastId, isEmpty } = resume ? await resumeExportFile(output, format) : await createExportFile(output)
  return {
    lastId,
    needsHeader: isEmpty && header && format.header !== '',
    write: async text => await writeToFile(handle, text),
    close: async () => await handle.close(),
  }
}

/** What is written has reached the disk: whoever deletes the rows next loses nothing. */
async function writeToFile (handle: FileHandle, text: string): Promise<true> {
  await handle.appendFile(text)
  await handle.datasync()
  return true
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
