import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
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
  /** On standard input, which has an end at once without it. */
  readonly input?: string
}

const root = path.join(import.meta.dirname, '../..')
/** What to run with node, as in a shell's `latchkey`. */
export const latchkeyProgram: readonly string[] = isBuildCurrent() ? [path.join(root, 'dist/main.js')] : [`--import=${import.meta.resolve('tsx')}`, path.join(root, 'src/main.ts')]

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
export function startCli (args: readonly string[], { cwd, env = {}, input }: CliOptions): ChildProcess {
  const child = spawn(process.execPath, [...latchkeyProgram, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.end(input)
  return child
}

/** `npm test` builds first, and what is built starts three times as fast as the sources; those count once they are newer. */
export function isBuildCurrent (): boolean {
  const builtMs = mtimeMs('dist/main.js')
  // The page is built after the rest, so it is as new as that if it is there at all.
  if (mtimeMs('dist/page/index.html') < builtMs) return false
  return ['src', 'page'].every(folder => readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .every(source => mtimeMs(path.join(folder, source)) < builtMs))
}

/** Zero for what isn't there. */
function mtimeMs (file: string): number {
  return statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}
