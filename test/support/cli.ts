import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export interface CliResult {
  /** null: ended by a signal. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** The working folder, whose `.env` counts. */
  readonly cwd: string
  /** All that the command finds in its environment, besides PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
}

const main = path.join(import.meta.dirname, '../../src/main.ts')

/** Runs `latchkey` as a user does, in a process of its own, until it ends. */
export async function runCli (args: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = startCli(args, options)
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { output.stdout += text })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { output.stderr += text })
  const [code] = await once(child, 'close') as [number | null]
  return { code, ...output }
}

/** Starts `latchkey` and leaves its end to the caller. */
export function startCli (args: readonly string[], { cwd, env = {} }: CliOptions): ChildProcess {
  return spawn(process.execPath, [`--import=${import.meta.resolve('tsx')}`, main, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
