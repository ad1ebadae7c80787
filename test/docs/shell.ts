import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { until } from '../support/until.ts'

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Of the last answer that curl got. */
  readonly status: string | null
}

export interface Surroundings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** A reader's terminal: one shell for all commands, so that variables stay. */
export class Shell {
  readonly #shell: ChildProcess
  readonly #folder: string
  #commands = 0
  #exitCodes = ''

  constructor (t: Test, { cwd, env }: Surroundings, folder: string) {
    this.#folder = folder
    // Plain sh, so that the pages' commands work in everybody's shell.
    this.#shell = spawn('/bin/sh', [], { cwd, env, detached: true, stdio: ['pipe', 'ignore', 'ignore', 'pipe'] })
    const exitCodes = this.#shell.stdio[3] as Readable
    exitCodes.setEncoding('utf8').on('data', (text: string) => { this.#exitCodes += text })
    t.teardown(async () => await ended(this.#shell))
  }

  /** In place of a command, whose output is to be seen, it is read from a file: a here-document of ours could end within it. */
  async run (command: string): Promise<Ran> {
    const file = path.join(this.#folder, String(++this.#commands))
    writeFileSync(file, `${command}\n`)
    this.#exitCodes = ''
    this.#shell.stdin?.write(`. ${file} >${file}.out 2>${file}.err 3>&-; echo $? >&3\n`)
    await until(() => this.#exitCodes.endsWith('\n') || this.#shell.exitCode !== null, `${command} ends`, { timeoutMs: 90_000 })
    const stderr = readFileSync(`${file}.err`, 'utf8')
    const statuses = [...stderr.matchAll(statusLine)]
    return {
      exitCode: Number(this.#exitCodes),
      stdout: readFileSync(`${file}.out`, 'utf8'),
      stderr: stderr.replace(statusLine, ''),
      status: statuses.at(-1)?.[1] ?? null,
    }
  }
}

/** Another terminal, in which one command runs on until the test ends. */
export class Terminal {
  readonly #command: string
  readonly #shell: ChildProcess
  #output = ''

  constructor (t: Test, command: string, { cwd, env }: Surroundings) {
    this.#command = command
    this.#shell = spawn('/bin/sh', ['-c', `exec ${command}`], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { this.#output += text })
    t.teardown(async () => await this.close())
  }

  async prints (text: string): Promise<void> {
    const isOver = (): boolean => this.#shell.exitCode !== null || this.#shell.signalCode !== null
    await until(() => this.#output.includes(text) || isOver(), `${this.#command} prints ${text}`, { timeoutMs: 90_000 })
    if (!this.#output.includes(text)) throw new Error(`${this.#command} ended without printing ${text}:\n${this.#output}`)
  }

  async close (): Promise<void> {
    await ended(this.#shell)
  }
}

/**
 * A folder for PATH: `npx latchkey` and `latchkey` are those of this checkout, and curl says on standard error, in a line
 * of its own, which status it got.
 */
export function makeProgramFolder (folder: string, latchkey: readonly string[]): void {
  const quoted = [process.execPath, ...latchkey].map((word) => `'${word}'`).join(' ')
  mkdirSync(folder)
  const programs = {
    latchkey: `exec ${quoted} "$@"`,
    npx: `[ "$1" = latchkey ] || exit 127\nshift\nexec ${quoted} "$@"`,
    curl: `exec '${curlProgram()}' --silent --show-error --max-time 20 --write-out '%{stderr}\\n<status %{http_code}>\\n' "$@"`,
  }
  for (const [name, text] of Object.entries(programs)) writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
}

function curlProgram (): string {
  const found = (process.env.PATH ?? '').split(':').map((folder) => path.join(folder, 'curl')).find((file) => existsSync(file))
  if (found === undefined) throw new Error('This test needs curl: install the package of that name of your system (apt-get install curl).')
  return found
}

const statusLine = /\n<status (\d{3})>\n/g

/** Ends a shell and all that it started, as closing its terminal does. */
async function ended (shell: ChildProcess): Promise<void> {
  if (shell.pid === undefined || shell.exitCode !== null || shell.signalCode !== null) return
  const exited = once(shell, 'exit')
  process.kill(-shell.pid, 'SIGTERM')
  await exited
}

export function removeFolder (folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
