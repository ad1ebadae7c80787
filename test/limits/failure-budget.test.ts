import t from 'tap'
import { FailureBudget } from '../../src/limits/failure-budget.ts'

function setUp (options: { failures?: number, perMs?: number, networksMax?: number } = {}) {
  let nowMs = 1_000
  const budget = new FailureBudget({ failures: 3, perMs: 60_000, nowMs: () => nowMs, ...options })
  return { budget, pass: (ms: number) => { nowMs += ms } }
}

t.test('so many may come at once, and time pays them back one by one', async t => {
  const { budget, pass } = setUp()
  t.equal(budget.remaining('a'), 3)
  t.same([1, 2, 3, 4].map(() => budget.take('a')), [true, true, true, false])
  t.equal(budget.remaining('a'), 0)
  t.equal(budget.retryAfterMs('a'), 20_000)
  pass(19_999)
  t.equal(budget.take('a'), false)
  t.equal(budget.retryAfterMs('a'), 1)
  pass(1)
  t.equal(budget.retryAfterMs('a'), 0)
  t.same([1, 2].map(() => budget.take('a')), [true, false])
  pass(60_000)
  t.equal(budget.remaining('a'), 3)
})

t.test('what is refused doesn\'t lengthen the wait', async t => {
  const { budget } = setUp()
  for (let i = 0; i < 1_000; i++) budget.take('a')
  t.equal(budget.retryAfterMs('a'), 20_000)
})

t.test('every network has its own', async t => {
  const { budget } = setUp()
  for (let i = 0; i < 10; i++) budget.take('a')
  t.equal(budget.remaining('b'), 3)
  t.equal(budget.take('b'), true)
})

t.test('no budget grants more or less than it says, whatever its numbers', async t => {
  for (const failures of [1, 7, 99, 100, 1_000]) {
    for (const perMs of [1, 1_000, 60_000, 2_073_600_000]) {
      const { budget } = setUp({ failures, perMs })
      let taken = 0
      while (taken <= failures && budget.take('a')) taken++
      t.equal(taken, failures, `${failures} in ${perMs} ms`)
      t.equal(budget.remaining('a'), 0)
    }
  }
})

t.test('a full table forgets whoever failed longest ago, and locks nobody out', async t => {
  const { budget, pass } = setUp({ networksMax: 100 })
  for (let i = 0; i < 4; i++) budget.take('attacker')
  for (let i = 0; i < 99; i++) t.equal(budget.take(`n${i}`), true)
  t.equal(budget.take('attacker'), false, 'not forgotten by as many as fit beside it')
  for (let i = 0; i < 1_000; i++) budget.remaining('n0')
  t.same(budget.stats(), { networks: 100, forgotten: 0 })
  t.equal(budget.take('another'), true)
  t.equal(budget.take('attacker'), true)
  t.same(budget.stats(), { networks: 100, forgotten: 2 })
  pass(60_000)
  for (let i = 100; i < 200; i++) budget.take(`n${i}`)
  t.same(budget.stats(), { networks: 100, forgotten: 2 }, 'those that owe nothing any more aren\'t missed')
})
