import type { EarlierSecret } from '../api/types.ts'
import { relativeTime, spanOf } from './time.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export interface Advice {
  readonly tone: 'good' | 'info' | 'warning'
  readonly title: string
  readonly text: string
}

/**
 * Whether the grace of a replaced secret can be ended early. It can't be more certain than the evidence: who hasn't
 * called yet, such as a monthly job, isn't seen.
 */
export function graceAdvice ({ rotatedAt, lastUsedAt, lastUserAgent }: Pick<EarlierSecret, 'rotatedAt' | 'lastUsedAt' | 'lastUserAgent'>, nowMs: number): Advice {
  const sinceRotationMs = nowMs - Date.parse(rotatedAt)
  const by = lastUserAgent === null ? 'A program' : lastUserAgent.split(/[\s(]/, 1)[0]
  if (lastUsedAt === null || Date.parse(lastUsedAt) <= Date.parse(rotatedAt)) {
    if (sinceRotationMs < hourMs) {
      return { tone: 'info', title: 'Too early to tell', text: `Nothing has used it since the rotation (${relativeTime(rotatedAt, nowMs)}). Wait until every program that uses this key has called.` }
    }
    return { tone: 'good', title: `Not used for ${spanOf(sinceRotationMs)}, since the rotation`, text: 'Safe to end, if every program that uses this key calls more often than that. A rare job that hasn’t run since would be refused.' }
  }
  const quietMs = nowMs - Date.parse(lastUsedAt)
  if (quietMs < hourMs) return { tone: 'warning', title: 'Still in use', text: `${by} used it in the last hour. Give it the new secret first: ending the grace now would refuse it.` }
  if (quietMs < dayMs) return { tone: 'warning', title: `Quiet for ${spanOf(quietMs)}`, text: `${by} used it after the rotation. A daily job would call again with it: wait a day, or make sure that it has the new secret.` }
  return { tone: 'good', title: `Not used for ${spanOf(quietMs)}`, text: 'Safe to end, if every program that uses this key calls more often than that.' }
}
