import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { AnswerReader } from '../../bench/load/answer-reader.ts'
import { Generator } from '../../bench/load/generator.ts'
import { parseWrk } from '../../bench/load/wrk.ts'
import { cpuSeconds, parseStat } from '../../bench/measure/cpu.ts'
import { residentMemory } from '../../bench/measure/memory.ts'
import { latenciesOf, median } from '../../bench/measure/percentiles.ts'
import { parseOptions } from '../../bench/options.ts'
import { tableOf } from '../../bench/results.ts'
import { judgeGrowth, type Sample } from '../../bench/soak/samples.ts'

t.test('percentiles are values that were measured', async t => {
  const values = Array.from({ length: 1_000 }, (_, i) => 1_000 - i)
  t.same(latenciesOf(values), { p50Ms: 500, p99Ms: 990, p999Ms: 999, maxMs: 1_000 })
  t.same(latenciesOf([7]), { p50Ms: 7, p99Ms: 7, p999Ms: 7, maxMs: 7 })
  t.equal(median([3, 1, 2]), 2)
})

t.test('CPU time counts a process, its helpers, and those that have ended', async t => {
  t.same(parseStat(`12 (a) b (c)) S 7 ${'0 '.repeat(9)}30 12 5 4 0 0`), { parent: 7, ticks: 42, endedChildrenTicks: 9 })
  const burn = 'let end = Date.now() + 300; while (Date.now() < end);'
  const program = `const child = require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(burn)}]);
    child.on("exit", () => console.log("done")); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill('SIGKILL') })
  await once(child.stdout, 'data')
  const { own, helpers } = cpuSeconds(child.pid!)
  t.ok(helpers > 0, 'a helper that has ended')
  t.ok(own > 0, 'the process itself')
  t.ok(residentMemory(child.pid!).peakMiB > 10)
})

t.test('the end of an answer is found wherever it is cut', async t => {
  const answers = {
    'by length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    chunked: 'HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'chunked, empty': 'HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    empty: 'HTTP/1.1 429 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  }
  for (const [name, text] of Object.entries(answers)) {
    for (let at = 1; at < text.length; at++) {
      const reader = new AnswerReader()
      t.equal(reader.read(Buffer.from(text.slice(0, at))), 0, `${name}, not before its end`)
      t.equal(reader.read(Buffer.from(text.slice(at))), Number(text.slice(9, 12)), `${name}, cut at ${at}`)
    }
  }
})

t.test('at a fixed rate, requests that a hanging server holds up are timed from when they were due', async t => {
  let isHanging = true
  const held: (() => void)[] = []
  const server = createServer((_request, response) => {
    const answer = () => { response.end('ok') }
    if (isHanging) held.push(answer)
    else answer()
    if (held.length === 2 && isHanging) {
      setTimeout(() => {
        isHanging = false
        for (const release of held) release()
      }, 300)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const outcome = await new Generator({ port, localAddress: '127.0.0.1', connections: 2, keysFile: '', keyHeader: 'x-api-key', path: '/', pace: { kind: 'fixed', perSecond: 500, seconds: 0.5 } }, ['key']).run()
  t.same(outcome.statuses, { 200: 250 })
  t.equal(outcome.broken, 0)
  // A closed loop would have measured two slow requests of 250.
  t.ok(outcome.p50Ms > 20, 'half of them waited behind the two')
  t.ok(outcome.maxMs >= 280)
})

t.test('what wrk prints is understood', async t => {
  const text = 'Running 1s test\n  Latency Distribution\n     50%  812.00us\n     75%    1.30ms\n     99%    1.25s\n  4321 requests in 1.00s, 1.2MB read\n  Socket errors: connect 0, read 1, write 0, timeout 2\n  Non-2xx or 3xx responses: 4\nRequests/sec:   4320.50\n'
  t.same(parseWrk(text), { requests: 4321, requestsPerSecond: 4320.5, p50Ms: 0.812, p99Ms: 1250, failed: 7 })
})

t.test('the command line is understood, and refused where it is not', async t => {
  t.equal(parseOptions(['--help']), null)
  t.match(parseOptions(['--peers', 'latchkey,bare', '--scenarios', 'hot', '--rounds', '2', '--seconds', '1', '--node', '/n']), { peers: ['latchkey', 'bare'], scenarios: ['hot'], rounds: 2, seconds: 1, nodes: [process.execPath, '/n'] })
  t.throws(() => parseOptions(['--peers', 'latchkey,kong']), /kong is none of/)
  t.throws(() => parseOptions(['--rounds', '0']))
})

t.test('a table lines up', async t => {
  t.equal(tableOf([{ peer: 'a', ms: 1.5 }, { peer: 'longer', ms: null }]), '| peer   |  ms |\n|--------|----:|\n| a      | 1.5 |\n| longer |   – |')
})

t.test('growth is seen, and noise is not', async t => {
  const sample = (second: number, rssMiB: number): Sample => ({ second, rssMiB, heapMiB: 30 + second % 7, externalMiB: 5, sockets: 90 + second % 11, timers: 3, resources: 120, requests: second })
  t.ok(judgeGrowth(Array.from({ length: 100 }, (_, i) => sample(i, 150 + i % 5))).every(({ isWell }) => isWell))
  const grown = judgeGrowth(Array.from({ length: 100 }, (_, i) => sample(i, 150 + i)))
  t.same(grown.filter(({ isWell }) => !isWell).map(({ what }) => what), ['resident memory, MiB: second quarter to last'])
})
