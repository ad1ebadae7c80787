import type { Exchange, Sighting } from './exchange.ts'
import { type History, type KeyState, possibleStates, type SecretState } from './history.ts'
import { type ConfigVersion, holds, routeFor, type RouteModel, routes } from './routes.ts'
import type { Timeline } from './timeline.ts'

/** What a request may rightly meet, were all that it needs in order. */
export type Verdict =
  | { readonly kind: 'refused', readonly status: number, readonly code: string, readonly route: RouteModel | null, readonly proven: KeyState | null }
  | { readonly kind: 'forwarded', readonly route: RouteModel, readonly proven: KeyState | null }

/** What an answer is judged by. */
export interface Circumstances {
  readonly timeline: Timeline
  readonly config: History<ConfigVersion>
  /** Changes of so many keys in one statement that every key counts as changed. */
  readonly bulk: History<null>
  /** Keys whose row is gone, and their usage with it. */
  readonly deletedKeyIds: ReadonlySet<number>
}

/** A changed file is looked at once a second. */
const configNoticeMs = 3_000
/** Clocks count in whole milliseconds. */
const clockMs = 2

/** Every right verdict: one for each version of the configuration and each state of the key that may have been acted on. */
export function verdictsOf (exchange: Exchange, { timeline, config }: Circumstances): Verdict[] {
  const { gateway, sentAtMs, endedAtMs, secret } = exchange
  const versions = config.possible(sentAtMs, endedAtMs, sinceMs => sinceMs + configNoticeMs)
  const states = secret === null ? [null] : possibleStates(secret, gateway, sentAtMs, endedAtMs, timeline)
  return versions.flatMap(version => states.flatMap(state => verdictsFor(exchange, version, state)))
}

function verdictsFor (exchange: Exchange, version: ConfigVersion, state: SecretState): Verdict[] {
  const { method, path, credential, sentAtMs, endedAtMs } = exchange
  const route = routeFor(version, method, path)
  if (route === undefined) {
    return routes[version].some(({ prefix }) => path.startsWith(prefix)) ? [refused(405, 'method_not_allowed')] : [refused(404, 'route_not_found')]
  }
  if (route.auth === 'none') return [{ kind: 'forwarded', route, proven: null }]
  if (credential === 'none') return [refused(401, 'missing_key', route)]
  if (credential === 'junk' || state === null) return [refused(401, 'invalid_key', route)]
  if (state.isRevoked) return [refused(401, 'key_revoked', route, state)]
  if (!state.isActive) return [refused(401, 'key_disabled', route, state)]
  const expiresAtMs = state.expiresAtMs ?? Infinity
  const verdicts: Verdict[] = []
  if (endedAtMs >= expiresAtMs - clockMs) verdicts.push(refused(401, 'key_expired', route, state))
  if (sentAtMs <= expiresAtMs + clockMs) {
    verdicts.push(holds(state.scopes, route) ? { kind: 'forwarded', route, proven: state } : refused(403, 'insufficient_scope', route, state))
  }
  return verdicts
}

function refused (status: number, code: string, route: RouteModel | null = null, proven: KeyState | null = null): Verdict {
  return { kind: 'refused', status, code, route, proven }
}

/** Whether what the upstream was told is what this verdict vouches for. */
export function isVouchedFor ({ proven }: Verdict, { keyId, userId, scopes }: Sighting): boolean {
  if (proven === null) return keyId === null && userId === null && scopes === null
  return keyId === String(proven.keyId) && userId === proven.userId && scopes === proven.scopes.filter(scope => scope !== 'Not a scope').join(' ')
}
