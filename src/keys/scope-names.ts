const scope = /^(?:\*|[a-z0-9._-]+(?::[a-z0-9._-]+)*(?::\*)?)$/

/** What a key may be given: `inventory:read`, `inventory:*` (all below), `*` (all). */
export function isGrantableScope (text: string): boolean {
  return scope.test(text)
}
