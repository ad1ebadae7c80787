/**
 * A slow and plain model of what the route table must decide, written from its rules and not from its code: every
 * pattern is tried, the most specific one of those that match wins, and readings of the path that a less strict
 * upstream could have are tried in the same way.
 */
export function modelVerdict (patterns: readonly string[], path: string): string {
  if (!path.startsWith('/')) return 'refused'
  const levels = decodings(path)
  if (levels === null || levels.some(isOdd) || /[^\x21-\x7e]|[;\\#?]/.test(path)) return 'refused'
  const [, once, twice] = levels
  const strict = mostSpecific(patterns.map((path) => ({ path, pattern: path })), strictReading(path))
  const loose = patterns.flatMap((pattern) => [...new Set([lowered(pattern), bare(lowered(pattern))])].map((path) => ({ path, pattern })))
  for (const reading of [once, twice]) {
    const folded = (reading ?? '').toUpperCase().toLowerCase()
    for (const variant of [folded, bare(folded)]) {
      const other = mostSpecific(loose, variant)
      if (other !== null && other !== strict) return 'refused'
    }
  }
  return strict ?? 'not_found'
}

/** As sent, decoded once, decoded twice; null where the path is malformed or still encoded after that. */
function decodings (path: string): string[] | null {
  try {
    const once = decodeURIComponent(path)
    const twice = decodeWhatIsValid(once)
    const isEncodedStill = /%[0-9a-f]{2}/i.test(twice)
    return isEncodedStill ? null : [path, once, twice]
  } catch {
    return null
  }
}

function decodeWhatIsValid (text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (run) => {
    try { return decodeURIComponent(run) } catch { return run }
  })
}

function isOdd (text: string, level: number, levels: readonly string[]): boolean {
  const segments = text.split('/')
  const hasMoreSegments = segments.length !== (levels[0] ?? '').split('/').length
  const hasEmptySegment = text.includes('//')
  const hasDotSegment = segments.some((segment) => segment === '.' || segment === '..')
  const hasControl = [...text].some((char) => char < ' ' || char === '\x7f' || (level > 0 && char === '\\'))
  return hasMoreSegments || hasEmptySegment || hasDotSegment || hasControl
}

/** Decoded but for what RFC 3986 reserves, and the percent sign. */
function strictReading (path: string): string {
  return decodeURI(path.replaceAll('%25', '%2525'))
}

function lowered (pattern: string): string {
  return pattern.toLowerCase()
}

function bare (path: string): string {
  return path !== '/' && path.endsWith('/') ? path.slice(0, -1) : path
}

function mostSpecific (candidates: readonly { path: string, pattern: string }[], path: string): string | null {
  const matching = candidates.filter((candidate) => regexOf(candidate.path).test(path))
  matching.sort((one, other) => rankOf(one.path) < rankOf(other.path) ? -1 : 1)
  return matching[0]?.pattern ?? null
}

function regexOf (pattern: string): RegExp {
  const source = tokensOf(pattern).map((token) => {
    if (token === '*') return '.*'
    return token.startsWith(':') ? '[^/]*' : token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`, 's')
}

/** Sorts as the patterns are preferred at the first place where they differ: text (or the end), parameter, wildcard. */
function rankOf (pattern: string): string {
  return tokensOf(pattern).map((token) => token === '*' ? '3' : token.startsWith(':') ? '2' : '1').join('')
}

function tokensOf (pattern: string): string[] {
  return pattern.match(/:[A-Za-z_]+|./g) ?? []
}
