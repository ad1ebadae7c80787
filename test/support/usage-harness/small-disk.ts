import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../until.ts'

/** A data folder on a disk that can be full, and read-only. Linux only. */
export interface SmallDisk {
  readonly dataFolder: string
  /** Leaves no room for a byte. */
  fill (): void
  /** Ends it. */
  free (): void
  /** Resolves once nothing can be changed there; waits until no file is open for writing. */
  makeReadOnly (): Promise<void>
  makeWritable (): void
}

/**
 * For root, a file system of its own. Others may not mount one: for them the process that `pid` names gets a limit to
 * the size of its files, and the folders lose their permission to be written to, neither of which binds root.
 */
export function startSmallDisk (t: Pick<Test, 'teardown'>, { bytes, pid }: { readonly bytes: number, readonly pid: () => number }): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-small-disk-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return process.getuid?.() === 0 ? mounted(t, folder, bytes) : limited(t, folder, pid)
}

function mounted (t: Pick<Test, 'teardown'>, folder: string, bytes: number): SmallDisk {
  const mount = (...args: string[]) => execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  mount('-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'latchkey-test', folder)
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  const filler = join(folder, 'filler')
  return {
    dataFolder: join(folder, 'data'),
    fill () {
      const file = openSync(filler, 'a')
      try {
        for (let pieceBytes = 64 * 1024; pieceBytes >= 1;) {
          try {
            // What takes a part of it finds less room the next time.
            writeSync(file, Buffer.alloc(pieceBytes))
          } catch (err) {
            if ((err as NodeJS.ErrnoException).code !== 'ENOSPC') throw err
            pieceBytes = Math.floor(pieceBytes / 2)
          }
        }
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler, { force: true }),
    async makeReadOnly () {
      await until(() => {
        try {
          mount('-o', 'remount,ro', folder)
          return true
        } catch (err) {
          if (!String((err as { stderr: string }).stderr).includes('busy')) throw err
          return false
        }
      }, 'no file is open for writing any more')
    },
    makeWritable: () => { mount('-o', 'remount,rw', folder) },
  }
}

function limited (t: Pick<Test, 'teardown'>, folder: string, pid: () => number): SmallDisk {
  const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(pid()), `--fsize=${bytes}:unlimited`], { stdio: ['ignore', 'ignore', 'inherit'] })
  const allow = (mode: number) => {
    for (const each of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
      const path = join(folder, each)
      if (statSync(path).isDirectory()) chmodSync(path, mode)
    }
  }
  t.teardown(() => allow(0o700))
  return {
    dataFolder: join(folder, 'data'),
    fill: () => { limit('0') },
    free: () => { limit('unlimited') },
    makeReadOnly: async () => allow(0o500),
    makeWritable: () => allow(0o700),
  }
}
