import { join } from 'node:path'
import type { Place, Stage } from '../stage.ts'

export interface WrkOptions {
  readonly url: string
  readonly seconds: number
  readonly place?: Place
  /** A key a line; each request carries the next. */
  readonly keysFile: string
  readonly keyHeader?: string
  readonly method?: string
  readonly path?: string
  readonly bodyBytes?: number
  /** Asks for /r0/items to /r<routes - 1>/items instead of `path`. */
  readonly routes?: number
}

export interface Saturation {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 2xx and 3xx, and socket errors. */
  readonly failed: number
}

/** wrk with one thread and 64 connections, as fast as it is answered. */
export async function saturate (stage: Stage, { url, seconds, keysFile, keyHeader = 'x-api-key', method = 'GET', path = '/inventory/items', bodyBytes = 0, routes = 0, place = 'load' }: WrkOptions): Promise<Saturation> {
  const command = ['wrk', '-t1', '-c64', `-d${seconds}s`, '--timeout', '10s', '--latency', '-s', join(import.meta.dirname, 'keys.lua'), url]
  return parseWrk(await stage.run(place, command, {
    variables: { KEYS_FILE: keysFile, KEY_HEADER: keyHeader, METHOD: method, REQUEST_PATH: path, BODY_BYTES: String(bodyBytes), ROUTES: String(routes) },
  }))
}

/** What wrk printed. */
export function parseWrk (text: string): Saturation {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? NaN)
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1).map(Number) ?? []
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: milliseconds(/^\s+50%\s+(\S+)/m.exec(text)?.[1]),
    p99Ms: milliseconds(/^\s+99%\s+(\S+)/m.exec(text)?.[1]),
    failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) + errors.reduce((sum, count) => sum + count, 0),
  }
}

function milliseconds (text = ''): number {
  const value = parseFloat(text)
  return text.endsWith('us') ? value / 1000 : text.endsWith('ms') ? value : value * 1000
}
