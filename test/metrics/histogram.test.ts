import t from 'tap'
import { Histogram } from '../../src/metrics/histogram.ts'

t.test('a value counts in the first bucket that holds it', async (t) => {
  const histogram = new Histogram([1, 2, 5])
  for (const value of [0, 1, 1.0001, 2, 5, 5.0001, 1e9]) histogram.observe(value)
  const { counts, count, sum } = histogram.cumulative()
  t.same(counts, [2, 4, 5])
  t.equal(count, 7)
  t.equal(sum, 0 + 1 + 1.0001 + 2 + 5 + 5.0001 + 1e9)
})

t.test('what is no duration counts as none', async (t) => {
  const histogram = new Histogram([1])
  for (const value of [NaN, -1, Infinity, -Infinity]) histogram.observe(value)
  t.same(histogram.cumulative(), { counts: [4], count: 4, sum: 0 })
})

t.test('empty', async (t) => {
  t.same(new Histogram([1, 2]).cumulative(), { counts: [0, 0], count: 0, sum: 0 })
})
