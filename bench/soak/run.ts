// npm run soak -- --help
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Bench, openBench } from '../bench.ts'
import { lineChart } from '../charts/lines.ts'
import { parseOptions } from '../options.ts'
import { choosePeers } from '../peers/index.ts'
import type { RunningPeer } from '../peers/peer.ts'
import { rounded, tableOf } from '../results.ts'
import { assertInstalled, freePort, isListening, untilReady } from '../stage.ts'
import { KeyChanges } from './key-changes.ts'
import { judgeGrowth, judgeRest, type Sample, takeSample, type Verdict } from './samples.ts'
import { Traffic } from './traffic.ts'

const help = `npm run soak -- [--minutes N] [--engine direct|http-proxy] [--json FILE] [--svg FILE]

Mixed traffic through Latchkey for N minutes (default 10): GET, POST, streams, WebSockets, kept-alive and closed
connections, clients that leave, an upstream that resets, fails, is slow or breaks off, and keys that change. Fails when
memory, sockets or timers grow, or when a request ends as it may not.
`
const restMsMax = 90_000
const judgedFromSeconds = 180

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, engine: { type: 'string', default: 'direct' }, json: { type: 'string' }, svg: { type: 'string' }, help: { type: 'boolean' } } })
if (values.help === true) process.stdout.write(help)
else await main(Number(values.minutes) * 60)

async function main (seconds: number): Promise<void> {
  if (!(seconds > 0)) throw new Error('--minutes must be a number above 0')
  assertInstalled('taskset', 'setpriv', 'nginx')
  const bench = await openBench(parseOptions(['--peers', values.engine === 'http-proxy' ? 'latchkey-http-proxy' : 'latchkey'])!)
  try {
    const upstreamUrl = await startUpstream(bench)
    const [peer] = await choosePeers({ ...bench, upstreamUrl })
    const gateway = await peer!.start({ ...bench, upstreamUrl })
    const { samples, verdicts, traffic, changes } = await soak(bench, gateway, seconds)
    process.stdout.write(`${tableOf(verdicts.map(({ what, from, to, toMax, isWell }) => ({ what, from: rounded(from), to: rounded(to), 'at most': rounded(toMax), verdict: isWell ? 'well' : 'GROWN' })))}\n\n`)
    process.stdout.write(`${tableOf([...traffic.endings].toSorted().map(([ending, count]) => ({ ending, count, verdict: traffic.wrong.has(ending) ? `${traffic.wrong.get(ending)} wrong` : '' })))}\n\n`)
    process.stdout.write(`${traffic.requests} requests and ${changes} changes to keys in ${seconds} s\n`)
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ seconds, samples, verdicts, endings: Object.fromEntries(traffic.endings), wrong: Object.fromEntries(traffic.wrong), changes }, null, 2)}\n`)
    if (values.svg !== undefined) writeFileSync(values.svg, chart(samples, traffic.requests))
    if (traffic.wrong.size > 0 || verdicts.some(({ isWell }) => !isWell)) process.exitCode = 1
  } finally {
    await bench.close()
  }
}

async function soak (bench: Bench, gateway: RunningPeer, seconds: number): Promise<{ samples: Sample[], verdicts: Verdict[], traffic: Traffic, changes: number }> {
  const changingKeys = await bench.database.createKeys(50)
  const traffic = new Traffic({ port: gateway.port, steadyKeys: bench.keys, changingKeys })
  const changes = new KeyChanges(bench.database, changingKeys)
  const sample = async (second: number) => await takeSample(gateway.pid, gateway.adminUrl!, second, traffic.requests)
  const before = await sample(0)
  const samples: Sample[] = []
  const everySeconds = Math.max(0.5, Math.min(5, seconds / 60))
  traffic.start()
  changes.start()
  const startedAt = performance.now()
  const elapsed = () => (performance.now() - startedAt) / 1000
  while (elapsed() < seconds) {
    await delay(Math.min(everySeconds, Math.max(0, seconds - elapsed())) * 1000)
    samples.push(await sample(elapsed()))
    const { second, requests, rssMiB, sockets, timers } = samples.at(-1)!
    if (samples.length % 12 === 0) bench.say(`${Math.round(second)} s: ${requests} requests, ${Math.round(rssMiB)} MiB, ${sockets} sockets, ${timers} timers`)
  }
  await traffic.stop()
  await changes.stop()
  // Until then caches and compiled code are still growing.
  const growth = seconds >= judgedFromSeconds ? judgeGrowth(samples) : []
  if (growth.length === 0) bench.say(`shorter than ${judgedFromSeconds} s: growth isn't judged`)
  // The upstream closes what rests, the gateway what clients have left: all within their keep-alive time-outs.
  let rest = judgeRest(before, await sample(elapsed()))
  for (const deadlineMs = Date.now() + restMsMax; rest.some(({ isWell }) => !isWell) && Date.now() < deadlineMs;) {
    await delay(500)
    rest = judgeRest(before, await sample(elapsed()))
  }
  return { samples, verdicts: [...growth, ...rest], traffic, changes: changes.changes }
}

async function startUpstream ({ stage }: Bench): Promise<string> {
  const port = await freePort()
  const child = stage.start('load', [process.execPath, join(import.meta.dirname, 'upstream.mjs'), String(port)])
  await untilReady(child, async () => await isListening(port))
  return `http://127.0.0.1:${port}`
}

function chart (samples: readonly Sample[], requests: number): string {
  const line = (label: string, read: (sample: Sample) => number) => ({ label, points: samples.map(sample => [sample.second / 60, read(sample)] as const) })
  return lineChart({
    title: `Mixed traffic with aborts and upstream errors, ${requests.toLocaleString('en')} requests`,
    xUnit: 'minutes',
    panels: [
      { unit: 'MiB', lines: [line('resident', ({ rssMiB }) => rssMiB), line('heap', ({ heapMiB }) => heapMiB), line('external', ({ externalMiB }) => externalMiB)] },
      { unit: 'open', lines: [line('sockets', ({ sockets }) => sockets), line('timers', ({ timers }) => timers)] },
    ],
  })
}
