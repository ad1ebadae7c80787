import t from 'tap'
import { compareMany } from '../upstreams/direct/compare-many.ts'
import { makeAnswer } from '../upstreams/direct/generator.ts'

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const durationMs = Number(process.env.FUZZ_MINUTES ?? 5) * 60_000

t.test(`minutes of mutations of answers, seed ${seed}`, async t => {
  t.setTimeout(durationMs + 60_000)
  await compareMany(t, mutations(Date.now() + durationMs))
})

function * mutations (untilMs: number): Generator<ReturnType<typeof makeAnswer>> {
  for (let index = 0; Date.now() < untilMs; index++) yield makeAnswer(seed, index)
}
