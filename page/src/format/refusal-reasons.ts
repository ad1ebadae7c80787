/** In a line each, why the gateway refuses; for what the code alone doesn't tell a newcomer. */
const reasons: Readonly<Record<string, string>> = {
  missing_key: 'The request carried no API key.',
  invalid_key: 'The key is unknown, mistyped, or of another environment.',
  ambiguous_key: 'The request carried two different keys.',
  key_disabled: 'The key is switched off; enabling it lets it in again.',
  key_revoked: 'The key was revoked, for good.',
  key_expired: 'The key’s expiry has passed.',
  insufficient_scope: 'The key is valid, but doesn’t hold the scopes that the route requires.',
  address_not_allowed: 'The key may not be used from the caller’s address.',
  rate_limited: 'The caller sent more than the rate limit allows.',
  too_many_failures: 'The address sent too many invalid keys and has to wait.',
  key_store_unavailable: 'The database couldn’t be asked about the key.',
  overloaded: 'The gateway was too busy to check the key.',
}

export function refusalReason (code: string): string | null {
  return reasons[code] ?? null
}

export function isRefusal (code: string): boolean {
  return code in reasons
}
