import { DURATION_PATTERN, SIZE_PATTERN } from './units.ts'

/** A text's syntax as the JSON Schema says it, and how a fault names it to a person. */
export interface Grammar {
  readonly pattern: string
  readonly means: string
}

const SCOPE = '[a-z0-9._-]+(:[a-z0-9._-]+)*'

export const grammars = {
  duration: { pattern: DURATION_PATTERN, means: 'a duration such as 250ms, 10s, 5m or 1h' },
  size: { pattern: SIZE_PATTERN, means: 'a size such as 512B, 16KiB, 10MiB or 1GiB' },
  name: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', means: 'a name of letters, digits and . _ - (64 at most)' },
  scope: { pattern: `^${SCOPE}$`, means: 'a scope such as inventory:read (lower case, digits and . _ - between colons; no wildcard)' },
  workers: { pattern: '^auto$', means: 'a number of processes, 1 to 64, or auto' },
  keyWord: { pattern: '^[a-z0-9]+$', means: 'lower-case letters and digits only' },
  headerName: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$", means: 'a header name such as x-api-key' },
  method: { pattern: '^[A-Z][A-Z-]*$', means: 'a method in upper case such as GET' },
  path: { pattern: '^/', means: 'a path that starts with /' },
  // What an address is exactly, rules.ts says.
  cidr: { pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$', means: 'an address or a range of addresses, such as 10.0.0.0/8 or 2001:db8::/32' },
  target: { pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\\\\\s]+$', means: 'an origin such as http://127.0.0.1:9000 (http or https; no path, no slash at the end, no query, no user)' },
} as const satisfies Record<string, Grammar>

/** How a fault names what a pattern of the schema asks for. */
export function meaningOf (pattern: string): string {
  return Object.values(grammars).find((grammar) => grammar.pattern === pattern)?.means ?? `text that matches ${pattern}`
}
