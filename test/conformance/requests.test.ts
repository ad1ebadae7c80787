import t from 'tap'
import { framing } from './cases/framing.ts'
import { testCases } from './suite.ts'

await testCases(t, [framing])
