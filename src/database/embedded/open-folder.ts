import { chmod, mkdir } from 'node:fs/promises'
import path from 'node:path'

/** Makes the folder, and those above it, so that the server's user can pass through, whatever the umask. */
export async function makeOpenFolder (folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) await chmod(made, 0o755)
}
