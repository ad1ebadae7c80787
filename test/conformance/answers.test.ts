import t from 'tap'
import { bodiesOfAnswers } from './cases/answers-bodies.ts'
import { framingOfAnswers } from './cases/answers-framing.ts'
import { headsOfAnswers } from './cases/answers-heads.ts'
import { hopsOfAnswers } from './cases/answers-hops.ts'
import { interimAnswers } from './cases/answers-interim.ts'
import { testCases } from './suite.ts'

// Without another try, an upstream sees each request once.
await testCases(t, [framingOfAnswers, headsOfAnswers, hopsOfAnswers, bodiesOfAnswers, interimAnswers], { upstream: 'retries: 0' })
