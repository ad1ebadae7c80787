import type { Match } from '../routes/route-table.ts'
import type { Refusal } from './refuse.ts'

/** What a client is told whose request no route serves. */
export function unmatched (match: Exclude<Match, { kind: 'route' }>): Refusal {
  switch (match.kind) {
    case 'ambiguous': return { code: 'ambiguous_path', detail: sentence(match.reason) }
    case 'bad': return { code: 'bad_request', detail: sentence(match.reason) }
    case 'not_found': return { code: 'route_not_found' }
    case 'method_not_allowed': return { code: 'method_not_allowed', headers: { allow: match.allow } }
  }
}

function sentence (reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}
