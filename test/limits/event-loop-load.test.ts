import { pino } from 'pino'
import t, { type Test } from 'tap'
import { EventLoopLoad } from '../../src/limits/event-loop-load.ts'

function setUp (t: Test) {
  const lines: { msg: string, refused?: number }[] = []
  const logger = pino({}, { write: line => { lines.push(JSON.parse(line)) } })
  const load = new EventLoopLoad({ delayMaxMs: 100, logger })
  // Only what the test says counts as measured.
  load.close()
  t.teardown(() => load.close())
  const sample = (...delaysMs: number[]) => delaysMs.map(delayMs => {
    load.sample(delayMs)
    return load.level
  })
  return { load, lines, sample }
}

t.test('a single pause is no overload', async t => {
  const { load, lines, sample } = setUp(t)
  t.same(sample(0, 190, 0, 0, -1), ['calm', 'calm', 'calm', 'calm', 'calm'])
  t.equal(load.shedsUnknown(), false)
  t.equal(load.shedsAny(), false)
  t.same(load.stats(), { delayMs: load.stats().delayMs, level: 'calm', unknown: 0, any: 0 })
  t.same(lines, [])
})

t.test('what isn\'t known goes first, and comes back when the delay has halved', async t => {
  const { load, lines, sample } = setUp(t)
  t.same(sample(150, 150), ['calm', 'busy'])
  t.equal(load.shedsUnknown(), true)
  t.equal(load.shedsAny(), false)
  t.same(sample(60, 60, 60, 60), ['busy', 'busy', 'busy', 'busy'], 'below the bound isn\'t enough')
  t.same(sample(0, 0), ['calm', 'calm'])
  t.equal(load.shedsUnknown(), false)
  t.match(lines, [{ level: 40, eventLoopDelayMaxMs: 100 }, { level: 30, refused: 1 }])
})

t.test('beyond three times the bound, a growing part of everything goes, too', async t => {
  const { load, sample } = setUp(t)
  const shareAt = (delayMs: number) => {
    for (let i = 0; i < 40; i++) load.sample(delayMs)
    return Array.from({ length: 1_000 }, () => load.shedsAny()).filter(Boolean).length / 1_000
  }
  t.equal(shareAt(299), 0)
  t.ok(Math.abs(shareAt(400) - 1 / 4) < 0.01)
  t.ok(Math.abs(shareAt(600) - 1 / 2) < 0.01)
  t.ok(Math.abs(shareAt(3_000) - 9 / 10) < 0.01)
  t.equal(load.level, 'drowning')
  t.same(sample(0, 0, 0, 0, 0, 0, 0).at(-1), 'calm')
  t.equal(load.shedsAny(), false)
})

t.test('an overload that comes and goes isn\'t logged each time', async t => {
  const { lines, sample } = setUp(t)
  for (let i = 0; i < 100; i++) sample(1_000, 0, 0, 0, 0, 0, 0, 0)
  t.equal(lines.length, 2)
})
