import t from 'tap'
import { chunked } from '../../conformance/cases/answers.ts'
import { compareMany } from './compare-many.ts'
import { corpus } from './corpus.ts'
import { makeAnswer } from './generator.ts'

// Of what the long test reports, one case by itself: FUZZ_SEED=… FUZZ_INDEX=… npx tap <this file>
const seed = Number(process.env.FUZZ_SEED ?? 1)
const first = Number(process.env.FUZZ_INDEX ?? 0)
const count = process.env.FUZZ_INDEX === undefined ? 400 : 1

t.test('good and hostile answers', async t => {
  const answers = corpus.flatMap(({ text }) => [false, true].flatMap(isHead => [false, true].map(isEnded => ({ answer: { text, isHead, isEnded }, offsets: [] }))))
  await compareMany(t, answers)
})

t.test('one byte changed, at every place', async t => {
  const text = chunked('2;a="b"\r\nok\r\n0\r\nX-A: 1\r\n\r\n', 'X-B: 2')
  const changed = [...text].flatMap((_, at) => ['', 'x', '\r', '\n'].map(by => text.slice(0, at) + by + text.slice(at + 1)))
  await compareMany(t, changed.map(text => ({ answer: { text, isHead: false, isEnded: true }, offsets: [] })))
})

t.test(`mutations of answers, seed ${seed}`, async t => {
  await compareMany(t, Array.from({ length: count }, (_, i) => makeAnswer(seed, first + i)))
})
