import type { Identity } from './identity.ts'

/** What the gateway puts on every response. */
export function ownHeaders ({ requestId, endsConnection }: Identity): Record<string, string> {
  return endsConnection ? { 'x-request-id': requestId, connection: 'close' } : { 'x-request-id': requestId }
}
