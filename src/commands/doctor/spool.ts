import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { UsageConfig } from '../../config/config.ts'
import { formatSize } from '../../config/units.ts'
import { counted } from '../output.ts'
import { ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether usage rows that can't be stored would be safe on the disk, and what waits there. */
export async function checkSpool ({ spool, store, spoolBytesMax }: UsageConfig, dataDir: string): Promise<Finding[]> {
  if (!spool || store === 'none') return [ok('Usage spool', 'off, as configured')]
  const folder = await nearestThere(path.resolve(dataDir))
  try {
    await access(`${folder}/.`, constants.W_OK)
  } catch {
    return [warn('Usage spool', `${folder} cannot be written to: usage rows would be in memory only until the database has them`, 'Set LATCHKEY_DATA_DIR to a folder that the gateway may write to, on a disk that stays.')]
  }
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < spoolBytesMax) {
    return [warn('Usage spool', `${folder} has ${formatSize(Math.floor(bavail * bsize / mebibyte) * mebibyte)} left, less than usage.spoolBytesMax`, 'Make room there, or lower usage.spoolBytesMax.')]
  }
  const { files, bytes } = await waiting(path.join(dataDir, 'spool'))
  return [ok('Usage spool', files === 0 ? `${dataDir}, empty` : `${dataDir}: ${counted(files, 'segment')}, ${bytes} bytes wait to be written`)]
}

const mebibyte = 1024 ** 2

/** Itself, or the one in which it would be made. */
async function nearestThere (folder: string): Promise<string> {
  const isThere = await stat(folder).then(() => true, () => false)
  return isThere || folder === path.dirname(folder) ? folder : await nearestThere(path.dirname(folder))
}

async function waiting (folder: string): Promise<{ files: number, bytes: number }> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  let files = 0
  let bytes = 0
  for (const name of names) {
    if (!name.endsWith('.rows')) continue
    files++
    // It may be gone by now.
    bytes += await stat(path.join(folder, name)).then(({ size }) => size, () => 0)
  }
  return { files, bytes }
}
