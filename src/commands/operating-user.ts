import { userInfo } from 'node:os'

/** Who runs a command, for the audit log: the operating system's name, or the number where it has none, as in some containers. */
export function operatingUser (): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
