import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import type { Test } from 'tap'

/** A data folder for a test, not yet made, with a space in its path, removed at its end. */
export async function temporaryDataDir (t: Pick<Test, 'teardown'>, name = 'data dir'): Promise<string> {
  const parent = await mkdtemp(path.join(tmpdir(), 'latchkey test '))
  // As root, the server's user has to pass through.
  await chmod(parent, 0o711)
  t.teardown(async () => await rm(parent, { recursive: true, force: true, maxRetries: 5 }))
  return path.join(parent, name)
}

export interface Opened {
  readonly child: ChildProcess
  readonly url: string
  readonly isOwner: boolean
  readonly pepper: string
  /** Why it could not be opened. */
  readonly error: string | null
  close (): Promise<void>
  kill (): Promise<void>
}

/** Opens the data folder in another process. Resolves when that has it, or has failed. */
export async function openElsewhere (t: Pick<Test, 'teardown'>, dataDir: string, role: 'gateway' | 'command'): Promise<Opened> {
  return await startElsewhere(t, dataDir, role).opened
}

/** The same, without waiting for it. */
export function startElsewhere (t: Pick<Test, 'teardown'>, dataDir: string, role: 'gateway' | 'command'): { opened: Promise<Opened> } {
  const child = spawn(process.execPath, ['--import=tsx', path.join(import.meta.dirname, 'embedded-process.ts'), dataDir, role], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const opened = (async () => {
    const [line] = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      exited.then(() => { throw new Error('The process ended without a word') }),
    ]) as [string]
    const said = JSON.parse(line) as Partial<Opened>
    return {
      child,
      url: said.url ?? '',
      isOwner: said.isOwner ?? false,
      pepper: said.pepper ?? '',
      error: said.error ?? null,
      async close () {
        child.stdin.end()
        await exited
      },
      async kill () {
        child.kill('SIGKILL')
        await exited
      },
    }
  })()
  opened.catch(() => {})
  return { opened }
}

/** Runs one statement over a connection of its own. */
export async function query (url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

export async function isReachable (url: string): Promise<boolean> {
  return await query(url, 'select 1').then(() => true, () => false)
}

/** Process id of the server, from within it. */
export async function serverPid (url: string): Promise<number> {
  const [row] = await query(url, "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid")
  return Number(row?.['pid'])
}

export async function clusterFolder (url: string): Promise<string> {
  const [row] = await query(url, "select current_setting('data_directory') as folder")
  return String(row?.['folder'])
}

export async function readHex (file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim()
}
