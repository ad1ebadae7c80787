import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'

/** The system user that PostgreSQL runs as. */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root. Returns null where it can run as ourselves; for root, the owner of the database
 * that is already at `folder`, else the system's `postgres` user, else `nobody`.
 */
export function serverUser (folder?: string): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  const users = readUsers()
  const owner = folder === undefined ? undefined : statSync(folder, { throwIfNoEntry: false })
  if (owner !== undefined && owner.uid !== 0) {
    return { name: users.find(({ uid }) => uid === owner.uid)?.name ?? `user ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  }
  return users.find(({ name, uid }) => name === 'postgres' && uid !== 0) ??
    users.find(({ name, uid }) => name === 'nobody' && uid !== 0) ??
    { name: 'nobody', uid: 65534, gid: 65534 }
}

/** Whether `user` can enter `folder`. Asks the kernel, as mode bits alone don't tell of access lists. */
export function canEnter (user: ServerUser | null, folder: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { cwd: '/', env: {}, stdio: 'ignore', ...identity(user) })
  return status === 0
}

/** Options for child_process. With a uid and as root, libuv drops root's supplementary groups as well. */
export function identity (user: ServerUser | null): { uid?: number, gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid }
}

function readUsers (): ServerUser[] {
  let text = ''
  try {
    text = readFileSync('/etc/passwd', 'utf8')
  } catch {
    // Minimal images have no such file; the caller falls back to nobody's usual numbers.
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })
}
