import t from 'tap'
import { otherThanFraming } from './cases/requests.ts'
import { testCases } from './suite.ts'

// The framing of requests is judged by test/guarantees/a-smuggled-request-is-never-executed.test.ts.
await testCases(t, otherThanFraming)
