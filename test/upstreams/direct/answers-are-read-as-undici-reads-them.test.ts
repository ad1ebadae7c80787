import t from 'tap'
import { compareMany } from './compare-many.ts'
import { corpus } from './corpus.ts'
import { makeAnswer } from './generator.ts'

// Of what the long test reports, one case by itself: FUZZ_SEED=… FUZZ_INDEX=… npx tap <this file>
const seed = Number(process.env.FUZZ_SEED ?? 1)
const first = Number(process.env.FUZZ_INDEX ?? 0)
const count = process.env.FUZZ_INDEX === undefined ? 600 : 1

t.test('good and hostile answers', async t => {
  const answers = corpus.flatMap(({ text }) => [false, true].flatMap(isHead => [false, true].map(isEnded => ({ answer: { text, isHead, isEnded }, offsets: [] }))))
  await compareMany(t, answers)
})

t.test(`mutations of answers, seed ${seed}`, async t => {
  await compareMany(t, Array.from({ length: count }, (_, i) => makeAnswer(seed, first + i)))
})
