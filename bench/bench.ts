import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KeyDatabase, openKeyDatabase } from './key-database.ts'
import { startUpstream } from './nginx.ts'
import type { Options } from './options.ts'
import { pin, Stage } from './stage.ts'

const hotKeys = 1_000

/** What all scenarios share while the bench runs. */
export interface Bench {
  readonly options: Options
  readonly stage: Stage
  /** For files of this run; removed at its end. */
  readonly folder: string
  readonly upstreamUrl: string
  readonly database: KeyDatabase
  /** The 1,000 keys in use. */
  readonly keys: readonly string[]
  readonly keysFile: string
  /** Writes keys into a file of its own, for the load. */
  writeKeys (name: string, keys: readonly string[]): string
  say (text: string): void
  /** Says what failed. The bench goes on with the rest, and ends with 1. Throws when it is being ended itself. */
  fail (what: string, err: unknown): void
  close (): Promise<void>
}

/** Starts database and upstream and makes the keys. Everything ends with `close`, and on SIGINT or SIGTERM. */
export async function openBench (options: Options): Promise<Bench> {
  pin('load', process.pid)
  const stage = new Stage()
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  // As root, Postgres runs as somebody else.
  chmodSync(folder, 0o755)
  let database: KeyDatabase | null = null
  const closing: { done: Promise<void> | null } = { done: null }
  const close = () => {
    closing.done ??= (async () => {
      await stage.close()
      await database?.close()
      rmSync(folder, { recursive: true, force: true })
    })()
    return closing.done
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)))
  const writeKeys = (name: string, keys: readonly string[]) => {
    const file = join(folder, `${name}.txt`)
    writeFileSync(file, keys.join('\n') + '\n')
    return file
  }
  const say = (text: string) => { process.stderr.write(`${text}\n`) }
  const fail = (what: string, err: unknown) => {
    if (closing.done !== null) throw err
    say(`${what} failed: ${err instanceof Error ? err.message : String(err)}`)
    process.exitCode = 1
  }
  try {
    const upstreamUrl = await startUpstream(stage, join(folder, 'upstream'))
    database = await openKeyDatabase(folder)
    const keys = await database.createKeys(hotKeys)
    return {
      options, stage, folder, upstreamUrl, database, keys, keysFile: writeKeys('keys', keys), writeKeys, close, say, fail,
    }
  } catch (err) {
    await close()
    throw err
  }
}
