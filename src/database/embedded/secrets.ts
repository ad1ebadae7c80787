import { randomBytes } from 'node:crypto'
import { chmod, chown, open, readFile, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import { UsageError } from '../../errors.ts'

const secretBytes = 32

/** Reads the secret in `file` (32 bytes as hex). null: there is no such file. Throws a UsageError for other content. */
export async function readSecret (file: string): Promise<Buffer | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw err
  }
  if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new UsageError(`${file} doesn't hold the 64 hexadecimal digits that Latchkey wrote there: restore it.`)
  return Buffer.from(text.trim(), 'hex')
}

/** Reads the secret in `file`, or makes one. Only the data folder's owner may call this. */
export async function keepSecret (file: string): Promise<Buffer> {
  const kept = await readSecret(file)
  if (kept !== null) {
    await chmod(file, 0o600)
    return kept
  }
  const secret = randomBytes(secretBytes)
  const unfinished = `${file}.new`
  const handle = await open(unfinished, 'w', 0o600)
  try {
    await handle.chmod(0o600)
    await handle.writeFile(`${secret.toString('hex')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await giveToOwnerOf(path.dirname(file), unfinished)
  await rename(unfinished, file)
  return secret
}

/** What root makes in another user's data folder belongs to that user, who otherwise couldn't use it later. */
export async function giveToOwnerOf (folder: string, file: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(folder)
  if (uid !== 0) await chown(file, uid, gid)
}
