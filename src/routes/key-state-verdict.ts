import { problems } from '../errors.ts'
import type { ProblemCode } from '../errors.ts'
import type { Verdict } from './explain.ts'

/** What of a key a verdict depends on, beside its scopes. */
export interface KeyState {
  readonly status: 'active' | 'disabled' | 'revoked' | 'expired'
  readonly environment: string | null
}

const codeOf = { active: null, disabled: 'key_disabled', revoked: 'key_revoked', expired: 'key_expired' } as const satisfies Record<KeyState['status'], ProblemCode | null>

/** The route table's verdict takes the key for valid; where it isn't, its state speaks before its scopes do. */
export function judgeKeyState (verdict: Verdict, key: KeyState, environments: readonly string[]): Verdict {
  const isForeign = key.environment !== null && !environments.includes(key.environment)
  const code = isForeign ? 'invalid_key' : codeOf[key.status]
  if (code === null || verdict.routeId === null || verdict.auth === 'none') return verdict
  if (verdict.auth === 'report') return { ...verdict, reportedCode: code, reason: `The route only reports: it would have been refused as ${code}.` }
  return { ...verdict, status: problems[code].status, code, reason: problems[code].detail, forwardedPath: null }
}
