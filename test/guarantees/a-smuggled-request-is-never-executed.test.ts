import t from 'tap'
import { framing } from '../conformance/cases/requests.ts'
import { testCases } from '../conformance/suite.ts'

await testCases(t, framing)
