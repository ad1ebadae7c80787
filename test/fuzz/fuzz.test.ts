import t from 'tap'
import { fuzz } from './oracle.ts'
import { judge } from './verdict.ts'

const seed = Number(process.env.FUZZ_SEED ?? 1)
const only = process.env.FUZZ_INDEX === undefined ? null : Number(process.env.FUZZ_INDEX)

t.setTimeout(110_000)
t.test('30 s of broken messages crash nothing, hang nothing and admit nobody', async t => {
  t.setTimeout(110_000)
  judge(t, seed, await fuzz(t, { seed, durationMs: 30_000, only }))
})
