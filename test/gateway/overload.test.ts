import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

/** Keeps this process, in which the gateway runs, from doing anything else for most of the time. */
class Blocker {
  isOver = false

  async run (blockMs: number): Promise<void> {
    while (!this.isOver) {
      const endMs = performance.now() + blockMs
      while (performance.now() < endMs) { /* nothing else */ }
      for (let i = 0; i < 20; i++) await turn()
    }
  }
}

t.test('while the event loop is late', async t => {
  const upstream = await startUpstream(t)
  const { url, gateway, headers } = await startFront(t, upstream.url, {
    sections: 'gateway: { eventLoopDelayMax: 150ms }',
    routes: ["id: public, path: '/public', auth: none", "id: report, path: '/report', auth: report"],
  })
  const { key: fresh } = await gateway.createKey({ scopes: ['all:use'] })
  const unknown = generateKey({ brand: 'sk', environment: 'live' })
  const codeOf = async (path: string, key?: string) => (await send(url + path, { headers: key === undefined ? {} : { 'x-api-key': key } })).code ?? 'none'
  const level = async () => (await scrape(gateway.adminUrl)).get('latchkey_overload_level')
  await until(async () => await codeOf('/', headers['x-api-key']) === 'none', 'the key is known')

  t.test('what isn\'t known yet is refused, and known keys go on', async t => {
    const blocker = new Blocker()
    // Well between the two thresholds, 150 ms and three times as much: a sample is late by what is over its own 100 ms.
    const blocking = blocker.run(400)
    await until(async () => await level() === 1, 'the overload is noticed')
    const known = headers['x-api-key']
    const [answer, ready, ...codes] = await Promise.all([
      send(url, { headers: { 'x-api-key': fresh } }),
      send(`${url}/-/ready`),
      codeOf('/', unknown), codeOf('/public'), codeOf('/report'),
      codeOf('/', known), codeOf('/report', known),
      codeOf('/', 'sk_live_junk'), codeOf('/'),
    ])
    t.same([answer.status, answer.code, answer.headers['retry-after']], [503, 'overloaded', '1'])
    t.equal(ready.status, 200)
    t.same(codes, ['overloaded', 'overloaded', 'overloaded', 'none', 'none', 'invalid_key', 'missing_key'], 'what is refused anyway is as cheap')
    blocker.isOver = true
    await blocking
  })

  t.test('afterwards everybody is served again', async t => {
    await until(async () => await level() === 0, 'the overload has ended')
    t.same(await Promise.all([codeOf('/', fresh), codeOf('/public')]), ['none', 'none'])
    t.ok((await scrape(gateway.adminUrl)).get('latchkey_shed_requests_total{kind="unknown"}')! >= 4)
    t.equal(gateway.logs.filter(line => line.includes('"overloaded: ')).length, 1)
    t.equal(gateway.logs.filter(line => line.includes('no longer overloaded')).length, 1)
  })

  t.test('far beyond, a part of everything is refused but health', async t => {
    const blocker = new Blocker()
    const blocking = blocker.run(1_000)
    await until(async () => await level() === 2, 'the overload is noticed')
    // Just over the threshold, the share that is refused is small.
    const answers: string[] = []
    await until(async () => {
      answers.push(...await Promise.all(Array.from({ length: 40 }, async () => await codeOf('/', headers['x-api-key']))))
      return answers.includes('overloaded')
    }, 'some are refused')
    const probes = await Promise.all(Array.from({ length: 10 }, async () => (await send(`${url}/-/live`)).status))
    blocker.isOver = true
    await blocking
    t.ok(answers.includes('none'))
    t.same(new Set(probes), new Set([200]))
    await until(async () => await level() === 0, 'the overload has ended')
    t.ok((await scrape(gateway.adminUrl)).get('latchkey_shed_requests_total{kind="any"}')! > 0)
  })
})
