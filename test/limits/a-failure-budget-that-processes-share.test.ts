import t from 'tap'
import { FailureBudget } from '../../src/limits/failure-budget.ts'

t.test('what others counted counts here, is paid back, and can be passed on', async t => {
  let nowMs = 0
  const taken: string[] = []
  const budget = new FailureBudget({ failures: 10, perMs: 10_000, nowMs: () => nowMs, onTaken: network => taken.push(network) })
  t.ok(budget.take('a'))
  t.same(taken, ['a'])
  budget.add([['a', 7], ['b', 12]])
  t.same(taken, ['a'], 'what others told isn\'t told again')
  t.equal(budget.remaining('a'), 2)
  t.notOk(budget.take('b'))
  t.equal(budget.retryAfterMs('b'), 3_000, 'what was more than the budget is paid back, too')
  nowMs = 3_000
  t.ok(budget.take('b'))
  const successor = new FailureBudget({ failures: 10, perMs: 10_000, nowMs: () => nowMs })
  successor.add(budget.known())
  t.equal(successor.remaining('b'), 0)
  t.equal(successor.remaining('a'), 5)
  nowMs = 60_000
  t.same(budget.known(), [])
})
