import t from 'tap'
import { requests } from './cases/requests.ts'
import { testCases } from './suite.ts'

await testCases(t, requests)
