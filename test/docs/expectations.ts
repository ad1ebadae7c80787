/** What the page shows and the output lacks; null: it says what the page shows. Words between `…` must be there. */
export function missingLine (shown: string, output: string): string | null {
  const lines = output.split(/\r?\n/).map(squeezed)
  for (const line of shown.split('\n').map(squeezed)) {
    if (line !== '' && !lines.some((printed) => matches(line, printed))) return line
  }
  return null
}

/** Where the output's JSON isn't like the page's: as a path, `data.0.name`; null: it is. What the page leaves out may be anything. */
export function jsonDifference (shown: string, output: string): string | null {
  return differenceOf(JSON.parse(shown), jsonIn(output), '')
}

function differenceOf (shown: unknown, printed: unknown, path: string): string | null {
  const inside = (key: string | number): string => path === '' ? String(key) : `${path}.${key}`
  if (shown === '…') return printed === undefined ? path : null
  if (typeof shown === 'string') return typeof printed === 'string' && matches(shown, printed) ? null : path
  if (Array.isArray(shown)) {
    if (!Array.isArray(printed)) return path
    const items = shown.at(-1) === '…' ? shown.slice(0, -1) : shown
    if (items.length === shown.length && items.length !== printed.length) return inside('length')
    return first(items.map((item, i) => differenceOf(item, printed[i], inside(i))))
  }
  if (typeof shown === 'object' && shown !== null) {
    if (typeof printed !== 'object' || printed === null) return path
    return first(Object.entries(shown).map(([key, value]) => differenceOf(value, (printed as Record<string, unknown>)[key], inside(key))))
  }
  return Object.is(shown, printed) ? null : path
}

function first (differences: readonly (string | null)[]): string | null {
  return differences.find((difference) => difference !== null) ?? null
}

/** Behind the head that `curl -i` prints, if there is one. */
function jsonIn (output: string): unknown {
  const body = /^HTTP\/1\.1 /.test(output) ? output.slice(output.indexOf('\r\n\r\n')) : output
  try {
    return JSON.parse(body)
  } catch {
    throw new Error(`this is no JSON: ${output}`)
  }
}

function squeezed (line: string): string {
  return line.trim().replace(/\s+/g, ' ')
}

function matches (shown: string, printed: string): boolean {
  const pattern = shown.split('…').map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')).join('.*')
  return new RegExp(`^${pattern}$`, 's').test(printed)
}
