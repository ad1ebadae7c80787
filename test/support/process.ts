import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { type CliOptions, startCli } from './cli.ts'
import { until } from './until.ts'

/** A `latchkey` that goes on running, and all that it printed. Killed by the test's teardown. */
export class RunningCli {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<{ code: number | null, signal: NodeJS.Signals | null }>

  constructor (t: Test, args: readonly string[], options: CliOptions) {
    this.child = startCli(args, options)
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => { this.stdout += text })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.stderr += text })
    this.#ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal }))
    t.teardown(async () => {
      if (this.hasEnded) return
      this.child.kill('SIGTERM')
      await this.#ended
    })
  }

  get hasEnded (): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Waits until it has printed `text`, and fails at once when it ends before. */
  async prints (text: string): Promise<void> {
    await until(() => this.stdout.includes(text) || this.hasEnded, `latchkey prints ${text}`, { timeoutMs: 90_000 })
    if (!this.stdout.includes(text)) throw new Error(`latchkey ended without printing ${text}:\n${this.stdout}\n${this.stderr}`)
  }

  async ended (): Promise<{ code: number | null, signal: NodeJS.Signals | null }> {
    return await this.#ended
  }

  /** Of a command that logs JSON to standard output: the first line with this message. */
  logLine (message: string): Record<string, unknown> {
    for (const line of this.stdout.split('\n')) {
      if (line.includes(`"msg":${JSON.stringify(message)}`)) return JSON.parse(line)
    }
    throw new Error(`no log line ${message}`)
  }
}
