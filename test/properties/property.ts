import fc from 'fast-check'
import type { Test } from 'tap'

/** The same cases in every run, unless PROPERTY_SEED says otherwise. */
const seed = Number(process.env.PROPERTY_SEED ?? 20_240_917)
/** PROPERTY_TIMES=20 makes twenty times as many cases. */
const times = Number(process.env.PROPERTY_TIMES ?? 1)

/**
 * A test of its own: the property holds in `cases` random cases, and its smallest counterexample is shown where it
 * doesn't. A case may be about several decisions.
 */
export function holds<Values extends [unknown, ...unknown[]]> (t: Test, claim: string, cases: number, property: fc.IProperty<Values> | fc.IAsyncProperty<Values>, decisionsPerCase = 1): void {
  t.setTimeout(60_000 * Math.max(1, times))
  t.test(claim, async t => {
    t.setTimeout(60_000 * Math.max(1, times))
    const numRuns = Math.ceil(cases * times)
    const details = await fc.check<Values>(property, { seed, numRuns, endOnFailure: false })
    t.comment(`${details.numRuns * decisionsPerCase} decisions, PROPERTY_SEED=${seed}`)
    if (details.failed) t.fail(`${claim}, PROPERTY_SEED=${seed}`, { report: fc.defaultReportMessage(details) })
    else t.equal(details.numRuns, numRuns, 'every case was tried')
  })
}
