/** Slash, backslash and control characters (NUL among them), percent-encoded. */
const ENCODED_DELIMITER = /%(?:2f|5c|[01][0-9a-f]|7f)/i
/** A segment of one or two dots, each plain or percent-encoded. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i
const ESCAPE = /%[0-9a-f]{2}/i
const ESCAPES = /(?:%[0-9a-f]{2})+/gi

/**
 * Why a raw request path (without its query) must be refused, or null: it can be read in more than one way, so that the
 * gateway's rule and the upstream's answer could be about different things. Escapes that were encoded once more are
 * looked through, because some upstreams decode twice.
 */
export function insanity (path: string): string | null {
  const reason = oddCharacter(path) ?? oddEscape(path)
  if (reason !== null || !path.includes('%')) return reason
  const decoded = decodePath(path)
  if (decoded === null || !ESCAPE.test(decoded)) return null
  return oddEscape(decoded) ?? (ESCAPE.test(decodeLeniently(decoded)) ? 'the path is percent-encoded more than twice' : null)
}

/** The path percent-decoded once; null where it isn't valid percent-encoding of UTF-8. */
export function decodePath (path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

/** All that an upstream may take a sane path for: as decoded once, and as decoded twice where that differs. */
export function readings (decoded: string): string[] {
  if (!ESCAPE.test(decoded)) return [decoded]
  const twice = decodeLeniently(decoded)
  return twice === decoded ? [decoded] : [decoded, twice]
}

function oddCharacter (path: string): string | null {
  if (path.includes('//')) return 'the path holds an empty segment (//)'
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code <= 0x20 || code >= 0x7f) return 'the path holds a space, a control character or an 8-bit character: percent-encode it'
    if (code === 0x3b || code === 0x5c || code === 0x23 || code === 0x3f) return `the path holds ${path.charAt(index)}: percent-encode it`
  }
  return null
}

function oddEscape (text: string): string | null {
  if (ENCODED_DELIMITER.test(text)) return 'the path holds an encoded slash, backslash or control character'
  return DOT_SEGMENT.test(text) ? 'the path holds a . or .. segment' : null
}

/** Decodes what is valid and leaves the rest, as the text was decoded before and may hold a % of its own. */
function decodeLeniently (text: string): string {
  return text.replace(ESCAPES, (escapes) => decodePath(escapes) ?? escapes)
}
