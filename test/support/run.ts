import { tmpdir } from 'node:os'
import path from 'node:path'

/** What before.ts leaves for the test processes and for after.ts of the same run. */
export interface TestRun {
  /** Superuser's URL of the maintenance database. */
  readonly adminUrl: string
  readonly serverPid: number
  readonly watchdogPid: number
}

/**
 * The folder of this run. The runner is the parent of before.ts, of every test process and of after.ts, and several
 * runs may be under way in one checkout: so its process id names the folder.
 */
export function runFolder (): string {
  return path.join(tmpdir(), `latchkey-test-${process.getuid?.() ?? 'user'}-${process.ppid}`)
}

export function runFile (): string {
  return path.join(runFolder(), 'run.json')
}

export const templates = { empty: 'template0', migrated: 'latchkey_migrated' } as const
