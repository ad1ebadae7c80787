// CPU time per request of Latchkey with everything on, beside a bare @fastify/http-proxy with nothing on, in one run:
// the gateways alone on core 0 in turn, nginx as the upstream and wrk on core 1. Then the first use of keys.
// npm run bench -- [--quick] [--json FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpuSeconds } from './cpu.ts'
import { measureFirstUse } from './first-use.ts'
import { type KeyDatabase, openKeyDatabase, writeConfig } from './latchkey.ts'
import { startNginxUpstream } from './nginx.ts'
import { assertInstalled, end, freePort, pinned, untilListening } from './processes.ts'
import { load, type Load } from './wrk.ts'

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } })
const rounds = options.quick === true ? 3 : 5
const seconds = options.quick === true ? 4 : 10
const warmUpSeconds = options.quick === true ? 3 : 5

interface Round extends Load { readonly cpuMicrosPerRequest: number }

assertInstalled('taskset', 'nginx', 'wrk')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
const upstream = await startNginxUpstream(join(folder, 'nginx'), 1)
const database = await openKeyDatabase(folder)
try {
  const keysFile = join(folder, 'keys.txt')
  writeFileSync(keysFile, (await database.createKeys(1_000, 4)).join('\n') + '\n')
  const config = writeConfig(folder, upstream.url)
  const peers = {
    'latchkey, everything on': (port: number) => pinned(0, [process.execPath, join(import.meta.dirname, '../dist/main.js'), 'start', '--config', config], { env: gatewayEnvironment(database, port) }),
    'bare @fastify/http-proxy': (port: number) => pinned(0, [process.execPath, join(import.meta.dirname, 'peers/bare-http-proxy.mjs'), String(port), upstream.url]),
  }
  const results = new Map<string, Round[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(peers)) {
      const port = await freePort()
      const child = start(port)
      try {
        await untilListening(port)
        const url = `http://127.0.0.1:${port}`
        const how = { core: 1, keysFile, script: join(import.meta.dirname, 'keys.lua') }
        await load(url, { ...how, seconds: warmUpSeconds })
        const before = cpuSeconds(child.pid!)
        const measured = await load(url, { ...how, seconds })
        const cpuMicrosPerRequest = (cpuSeconds(child.pid!) - before) * 1e6 / measured.requests
        if (measured.failed > 0) throw new Error(`${name}: ${measured.failed} requests failed`)
        results.set(name, [...results.get(name) ?? [], { ...measured, cpuMicrosPerRequest }])
        process.stderr.write(`round ${round + 1}: ${name}: ${cpuMicrosPerRequest.toFixed(1)} µs\n`)
      } finally {
        await end(child)
      }
    }
  }
  const firstUse = await measureFirstUse(database, { config, count: options.quick === true ? 30 : 100, environment: port => gatewayEnvironment(database, port) })
  report(results, firstUse)
} finally {
  await end(upstream.process)
  await database.close()
  rmSync(folder, { recursive: true, force: true })
}

function gatewayEnvironment ({ url, pepper }: KeyDatabase, port: number): NodeJS.ProcessEnv {
  return { ...process.env, DATABASE_URL: url, LATCHKEY_KEY_PEPPER: pepper, LATCHKEY_HOST: '127.0.0.1', LATCHKEY_PORT: String(port), LATCHKEY_ADMIN_PORT: '0', LOG_LEVEL: 'warn' }
}

function report (results: Map<string, Round[]>, firstUse: object): void {
  const rows = [...results].map(([name, all]) => ({
    name,
    'CPU µs/request': round1(median(all.map(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest))),
    'requests/s': Math.round(median(all.map(({ requestsPerSecond }) => requestsPerSecond))),
    'p50 ms': round1(median(all.map(({ p50Ms }) => p50Ms))),
    'p99 ms': round1(median(all.map(({ p99Ms }) => p99Ms))),
  }))
  console.log(`Node ${process.version}, medians of ${rounds} interleaved rounds of ${seconds} s, 64 connections, 1,000 keys`)
  console.table(rows)
  const [ours, bare] = rows.map(row => row['CPU µs/request'])
  console.log(`CPU per request: ${(ours! / bare!).toFixed(2)} × bare @fastify/http-proxy`)
  console.log('First use of a key, one after another, in milliseconds:')
  console.table(firstUse)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ node: process.version, rounds, seconds, results: Object.fromEntries(results), firstUse }, null, 2) + '\n')
}

function median (values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function round1 (value: number): number {
  return Math.round(value * 10) / 10
}
