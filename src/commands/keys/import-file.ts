import { type FileHandle, open } from 'node:fs/promises'
import { formatSize } from '../../config/units.ts'
import { UsageError } from '../../errors.ts'

/** A file of hashes as it is read. */
export interface ImportFile {
  /** As faults name it. */
  readonly name: string
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  close (): Promise<void>
}

const bytesMax = 256 * 1024 ** 2
const chunkBytes = 256 * 1024

/** Opens a file, or reads standard input for `-`. Rejects with UsageError for what can't be read, or is too large. */
export async function openImportFile (path: string): Promise<ImportFile> {
  if (path === '-') return { name: '<stdin>', bytes: await standardInput(), async close () {} }
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    const stats = await handle.stat()
    if (stats.isDirectory()) throw new UsageError(`${path}: is a folder, not a file.`)
    if (stats.size > bytesMax) throw tooLarge(path)
    return { name: path, bytes: bounded(chunksOf(handle), path), close: handle.close.bind(handle) }
  } catch (err) {
    await handle?.close()
    throw faultOf(path, err)
  }
}

/** All of it, before a transaction begins that would wait for whoever writes it. */
async function standardInput (): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bounded(process.stdin, 'standard input')) chunks.push(chunk)
  return chunks
}

async function * chunksOf (handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(chunkBytes))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** What grows meanwhile, or is no plain file, is as large as it turns out to be. */
async function * bounded (bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let total = 0
  for await (const chunk of bytes) {
    total += chunk.length
    if (total > bytesMax) throw tooLarge(name)
    yield chunk
  }
}

function tooLarge (name: string): UsageError {
  return new UsageError(`${name}: is larger than ${formatSize(bytesMax)}: import it in parts.`)
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'it may not be read',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'no such file',
}

function faultOf (path: string, err: unknown): unknown {
  const code = err instanceof Error && 'code' in err ? String(err.code) : ''
  return faults[code] === undefined ? err : new UsageError(`${path}: ${faults[code]}.`)
}
