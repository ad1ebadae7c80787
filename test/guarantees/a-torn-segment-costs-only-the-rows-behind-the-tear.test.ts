import t from 'tap'
import { tornSegments } from '../support/usage-harness/scenarios/torn-segments.ts'

t.test('whatever becomes of the end of a segment, the whole rows before are written once, and what is cut is said', async t => {
  await tornSegments(t)
})
