import type { CaseGroup } from '../case.ts'
import { bodiesOfAnswers } from './answers-bodies.ts'
import { framingOfAnswers } from './answers-framing.ts'
import { headsOfAnswers } from './answers-heads.ts'
import { hopsOfAnswers } from './answers-hops.ts'
import { interimAnswers } from './answers-interim.ts'

/** All that is about what upstreams answer, in the order in which the table shows it. */
export const answers: readonly CaseGroup[] = [framingOfAnswers, headsOfAnswers, hopsOfAnswers, bodiesOfAnswers, interimAnswers]
