import { randomBytes } from 'node:crypto'
import { link, open, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Writes a file that must not exist yet, whole or not at all, with its final mode from the first byte. Returns false
 * when something of that name is there already, a dangling link included; it is left as it is.
 */
export async function writeNewFile (path: string, text: string, mode: number): Promise<boolean> {
  const draft = join(dirname(path), `.latchkey-${randomBytes(6).toString('hex')}.tmp`)
  await writeExclusively(draft, text, mode)
  try {
    // Unlike rename(), link() fails where the name is taken.
    await link(draft, path)
    return true
  } catch (err) {
    if (hasCode(err, 'EEXIST')) return false
    // Some file systems have no links; O_EXCL alone still never overwrites.
    if (hasCode(err, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP')) return await writeInPlace(path, text, mode)
    throw err
  } finally {
    await unlink(draft)
  }
}

async function writeInPlace (path: string, text: string, mode: number): Promise<boolean> {
  try {
    await writeExclusively(path, text, mode)
    return true
  } catch (err) {
    if (hasCode(err, 'EEXIST')) return false
    throw err
  }
}

async function writeExclusively (path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

function hasCode (err: unknown, ...codes: readonly string[]): boolean {
  return err instanceof Error && 'code' in err && codes.includes(String(err.code))
}
