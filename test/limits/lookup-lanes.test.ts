import t from 'tap'
import { FailureBudget } from '../../src/limits/failure-budget.ts'
import { LookupLanes } from '../../src/limits/lookup-lanes.ts'

function setUp ({ failures = 100 } = {}) {
  const load = { isOverloaded: false }
  const budget = new FailureBudget({ failures, perMs: 60_000, nowMs: () => 0 })
  const lanes = new LookupLanes({ budget, isOverloaded: () => load.isOverloaded })
  return { budget, lanes, load }
}

function spend (budget: FailureBudget, network: string): void {
  while (budget.take(network)) { /* until nothing is left */ }
}

/** Enters so many times and counts the answers. */
function enterTimes (lanes: LookupLanes, network: string, times: number) {
  const counts = { entered: 0, waiting: 0, busy: 0, throttled: 0 }
  for (let i = 0; i < times; i++) {
    const answer = lanes.enter(network)
    counts[answer instanceof Promise ? 'waiting' : answer]++
  }
  return counts
}

t.test('in budget, look-ups run at once, as many as may still fail', async t => {
  const { lanes, budget } = setUp({ failures: 10 })
  t.same(enterTimes(lanes, 'a', 12), { entered: 10, waiting: 2, busy: 0, throttled: 0 })
  const { lanes: wide } = setUp({ failures: 100_000 })
  t.same(enterTimes(wide, 'a', 400), { entered: 100, waiting: 250, busy: 50, throttled: 0 })
  t.same(wide.stats(), { networks: 1, underWay: 350, busy: 50, throttled: 0 })
  budget.take('b')
  t.same(enterTimes(lanes, 'b', 10), { entered: 9, waiting: 1, busy: 0, throttled: 0 })
})

t.test('out of budget, one runs and a few wait', async t => {
  const { lanes, budget } = setUp()
  spend(budget, 'a')
  t.same(enterTimes(lanes, 'a', 20), { entered: 1, waiting: 4, busy: 0, throttled: 15 })
  t.same(enterTimes(lanes, 'b', 20), { entered: 20, waiting: 0, busy: 0, throttled: 0 }, 'of others nothing is taken away')
})

t.test('one failure paid back lets in one more, not a whole queue', async t => {
  let nowMs = 0
  const budget = new FailureBudget({ failures: 100, perMs: 60_000, nowMs: () => nowMs })
  const lanes = new LookupLanes({ budget, isOverloaded: () => false })
  spend(budget, 'a')
  nowMs += 1_200
  t.equal(budget.remaining('a'), 2)
  t.same(enterTimes(lanes, 'a', 20), { entered: 2, waiting: 5, busy: 0, throttled: 13 })
})

t.test('those who wait have their turn, in order', async t => {
  const { lanes, budget } = setUp()
  spend(budget, 'a')
  const order: number[] = []
  t.equal(lanes.enter('a'), 'entered')
  const waits = [1, 2, 3].map(async i => {
    await lanes.enter('a')
    order.push(i)
    lanes.leave('a')
  })
  lanes.leave('a')
  await Promise.all(waits)
  t.same(order, [1, 2, 3])
  t.same(lanes.stats(), { networks: 0, underWay: 0, busy: 0, throttled: 0 }, 'nothing is kept of who left')
})

t.test('a budget that is spent meanwhile narrows the lane of those who wait', async t => {
  const { lanes, budget } = setUp({ failures: 2 })
  t.same(enterTimes(lanes, 'a', 2).entered, 2)
  let turns = 0
  for (let i = 0; i < 3; i++) Promise.resolve(lanes.enter('a')).then(() => turns++, t.threw)
  spend(budget, 'a')
  const settled = async (): Promise<void> => await new Promise(resolve => setImmediate(resolve))
  lanes.leave('a')
  await settled()
  t.equal(turns, 0, 'the other still runs')
  lanes.leave('a')
  await settled()
  t.equal(turns, 1)
  lanes.leave('a')
  await settled()
  t.equal(turns, 2)
})

t.test('a crowd of networks has one look-up each', async t => {
  const { lanes } = setUp()
  for (let i = 0; i < 5; i++) t.equal(enterTimes(lanes, `early-${i}`, 100).entered, 100)
  t.same(enterTimes(lanes, 'late', 10), { entered: 1, waiting: 0, busy: 9, throttled: 0 })
  t.same(enterTimes(lanes, 'early-0', 10), { entered: 0, waiting: 0, busy: 10, throttled: 0 })
})

t.test('while overloaded, nobody enters', async t => {
  const { lanes, load } = setUp()
  load.isOverloaded = true
  t.same(enterTimes(lanes, 'a', 3), { entered: 0, waiting: 0, busy: 3, throttled: 0 })
  t.equal(lanes.stats().underWay, 0)
  load.isOverloaded = false
  t.equal(lanes.enter('a'), 'entered')
})
