import { mkdir, open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { giveToOwnerOf } from '../../database/embedded/secrets.ts'

const folderMode = 0o700

/** A folder within `data`, and those above it as far as they are missing. */
export async function makeFolder (folder: string, data: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: folderMode })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length && made !== data; made = path.dirname(made)) await giveToOwnerOf(data, made)
}

/** From `position` on, all of it. */
export async function writeAll (handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

export async function withOpen (file: string, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await work(handle)
  } finally {
    await handle.close()
  }
}

/** There is no such file. */
export function isMissing (err: unknown): boolean {
  return (err as NodeJS.ErrnoException).code === 'ENOENT'
}
