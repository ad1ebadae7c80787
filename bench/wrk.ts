import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Load {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 2xx and 3xx, and socket errors. */
  readonly failed: number
}

/** wrk on one core, with 64 connections, each request with the next key of `keysFile`. */
export async function load (url: string, { core, seconds, keysFile, script }: { core: number, seconds: number, keysFile: string, script: string }): Promise<Load> {
  const { stdout } = await run('taskset', ['-c', String(core), 'wrk', '-t1', '-c64', `-d${seconds}s`, '--latency', '-s', script, url], {
    env: { ...process.env, KEYS_FILE: keysFile },
    timeout: (seconds + 30) * 1000,
  })
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? NaN)
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1).map(Number) ?? []
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: milliseconds(/^\s+50%\s+(\S+)/m.exec(stdout)?.[1]),
    p99Ms: milliseconds(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1]),
    failed: (Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0)) + errors.reduce((sum, count) => sum + count, 0),
  }
}

function milliseconds (text = ''): number {
  const value = parseFloat(text)
  return text.endsWith('us') ? value / 1000 : text.endsWith('ms') ? value : value * 1000
}
