/** A compare with a hash of a higher cost holds up a core, and whoever waits for it, too long. */
const costMax = 12
const costMin = 4

/** About what a compare takes of a processor of today: each step of the cost doubles it. */
export function compareMs (cost: number): number {
  return 56 * 2 ** (cost - 10)
}

/** Of a hash in which nothing is wrong. */
export function costOf (hash: string): number {
  return Number(hash.slice(4, 6))
}

/** `$2a$`, `$2b$` and `$2y$` are names of one thing: hashes that are alike but for them belong to one secret. */
export function variantsOf (hash: string): [string, string, string] {
  const rest = hash.slice(3)
  return [`$2a${rest}`, `$2b${rest}`, `$2y${rest}`]
}

/** What keeps it from being a bcrypt hash that can be proven here; null: nothing. Without the hash. */
export function hashFault (hash: string): string | null {
  const [, variant, digits] = /^\$2([a-z]?)\$(\d\d)\$/.exec(hash) ?? []
  if (variant === undefined) return `is not a bcrypt hash, which begins with $2a$, $2b$ or $2y$ and its cost${kindOf(hash)}`
  if (variant !== 'a' && variant !== 'b' && variant !== 'y') return `is of a bcrypt variant, $2${variant}$, that is read nowhere: only $2a$, $2b$ and $2y$ are`
  const cost = Number(digits)
  if (cost < costMin || cost > 31) return `has the cost ${cost}, which bcrypt does not know`
  if (cost > costMax) return `has the cost ${cost}, which would take about ${duration(compareMs(cost))} at each first use: ${costMax} is the most`
  if (hash.length !== 60) return `has ${hash.length} characters, and a bcrypt hash 60`
  // The last character of salt and hash hold 2 and 4 bits: with others set, no key's hash is ever the same text.
  return /^.{7}[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/.test(hash) ? null : 'is not in the base64 of bcrypt: no key could match it'
}

function kindOf (text: string): string {
  if (/^\$argon2/.test(text)) return ': it is one of Argon2'
  if (/^[0-9a-f]{64}$/i.test(text)) return ': it looks like SHA-256'
  return ''
}

function duration (ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
