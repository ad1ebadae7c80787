import t from 'tap'
import { tornSegments } from '../support/usage-harness/scenarios/torn-segments.ts'

t.test('whatever a crash or a disk did to a segment, the rows that are whole are written once, and what was lost is said', async t => {
  await tornSegments(t)
})
