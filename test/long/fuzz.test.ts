import t from 'tap'
import { fuzz } from '../fuzz/oracle.ts'
import { judge } from '../fuzz/verdict.ts'

const minutes = Number(process.env.FUZZ_MINUTES ?? 10)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

t.test('minutes of broken messages crash nothing, hang nothing and admit nobody', async t => {
  t.setTimeout((minutes + 5) * 60_000)
  judge(t, seed, await fuzz(t, { seed, durationMs: minutes * 60_000 }))
})
