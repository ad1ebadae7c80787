import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { UsageError } from '../../errors.ts'
import type { TextFormat } from '../../usage/export/text-format.ts'
import type { ExportLock } from './export-lock.ts'

/** A file that an export is written to, and that a later one can go on with. */
export interface ExportFile {
  readonly handle: FileHandle
  readonly lock: ExportLock
  /** Where it ends: nobody but the export may have it end elsewhere. */
  readonly sizeBytes: number
  /** Of the last row in it; 0: there is none. */
  readonly lastId: number
  /** Whether the format's header has still to be written. */
  readonly isEmpty: boolean
}

/** Keeps others away from a file, before anything is read from it or written to it. */
export type LockFile = (handle: FileHandle, path: string) => Promise<ExportLock>

interface Tail {
  /** The last whole line, without its line feed; null where there is none. */
  readonly lastLine: string | null
  /** What comes behind the last whole line. */
  readonly rest: string
  /** Where that begins. */
  readonly endBytes: number
}

/** Longer than any line of an export. */
const tailBytes = 1024 ** 2

/** A file of its own, readable for its owner only: who called when, and from where, is nobody else's business. */
export async function createExportFile (path: string, lockFile: LockFile): Promise<ExportFile> {
  let handle: FileHandle
  try {
    handle = await open(path, 'wx', 0o600)
  } catch (err) {
    if (codeOf(err) === 'EEXIST') throw new UsageError(`${path} exists already. --resume goes on where it ends.`)
    throw faultOf(path, err)
  }
  return await locked(handle, path, lockFile, async () => ({ sizeBytes: 0, lastId: 0, isEmpty: true }))
}

/**
 * Opens a file where an earlier export left off, or makes it. What was interrupted within a line loses that line, which
 * is exported again. Whatever isn't an export of this format is refused and left as it is.
 */
export async function resumeExportFile (path: string, format: TextFormat, lockFile: LockFile): Promise<ExportFile> {
  let handle: FileHandle
  try {
    // Written to at its end, which is known only once it has been read.
    handle = await open(path, constants.O_RDWR | constants.O_APPEND)
  } catch (err) {
    if (codeOf(err) === 'ENOENT') return await createExportFile(path, lockFile)
    throw faultOf(path, err)
  }
  return await locked(handle, path, lockFile, async () => await resume(handle, path, format))
}

type FileState = Omit<ExportFile, 'handle' | 'lock'>

async function locked (handle: FileHandle, path: string, lockFile: LockFile, read: () => Promise<FileState>): Promise<ExportFile> {
  let lock: ExportLock | undefined
  try {
    lock = await lockFile(handle, path)
    return { handle, lock, ...await read() }
  } catch (err) {
    await handle.close()
    await lock?.release()
    throw err
  }
}

async function resume (handle: FileHandle, path: string, { header, idOf }: TextFormat): Promise<FileState> {
  const foreign = () => new UsageError(`${path} does not end like an export of this format: name another file, or the --format that it was made with.`)
  const beginning = Buffer.alloc(Buffer.byteLength(header))
  const { bytesRead } = await handle.read(beginning, 0, beginning.length, 0)
  if (!header.startsWith(beginning.toString('utf8', 0, bytesRead))) throw foreign()
  const { lastLine, rest, endBytes } = await tailOf(handle)
  const hasRows = lastLine !== null && `${lastLine}\n` !== header
  const lastId = hasRows ? idOf(lastLine) : 0
  if (lastId === null || (lastLine === null && !isBeginning(rest, header))) throw foreign()
  await handle.truncate(endBytes)
  return { sizeBytes: endBytes, lastId, isEmpty: endBytes === 0 }
}

/** Whether an export may have been interrupted there, in its first line. */
function isBeginning (text: string, header: string): boolean {
  const known = header === '' ? '{"id":' : header
  return known.startsWith(text) || (header === '' && text.startsWith(known))
}

async function tailOf (handle: FileHandle): Promise<Tail> {
  const { size } = await handle.stat()
  const start = Math.max(0, size - tailBytes)
  const bytes = Buffer.alloc(size - start)
  await handle.read(bytes, 0, bytes.length, start)
  const lineEnd = bytes.lastIndexOf('\n')
  const lineStart = lineEnd <= 0 ? 0 : bytes.lastIndexOf('\n', lineEnd - 1) + 1
  return {
    lastLine: lineEnd === -1 ? null : bytes.toString('utf8', lineStart, lineEnd),
    rest: bytes.toString('utf8', lineEnd + 1),
    endBytes: start + lineEnd + 1,
  }
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  EACCES: 'it may not be written to',
  EISDIR: 'it is a folder',
  EROFS: 'its file system is read-only',
}

function faultOf (path: string, err: unknown): unknown {
  const fault = faults[codeOf(err)]
  return fault === undefined ? err : new UsageError(`${path}: ${fault}.`)
}

function codeOf (err: unknown): string {
  return err instanceof Error && 'code' in err && typeof err.code === 'string' ? err.code : ''
}
