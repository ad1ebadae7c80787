import t from 'tap'
import { looseRoutePathShape, routePathFault } from '../../src/config/route-path.ts'
import { RouteTable } from '../../src/routes/route-table.ts'
import { modelVerdict } from './model.ts'
import { seededRandom } from './random.ts'
import { routeConfig } from './route-config.ts'

const TABLES = 150
const PATHS_PER_TABLE = 60
const patternSegments = ['a', 'ab', 'abc', 'A', 'Ab', 'b', '@a', 'a+b', ':x', ':yy', 'a.b', '.a', 'a=b']
const pathSegments = [...patternSegments, 'AB', 'B', 'k', '.', '..', '', 'a;b', 'x'.repeat(150), 'a b', 'A.B', '%41', 'Ä']

for (let seed = 1; seed <= TABLES; seed++) {
  const random = seededRandom(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const patterns = makePatterns(random, pick)
  const table = new RouteTable(patterns.map((path, index) => routeConfig({ id: `${index}`, path })))
  const wrong: string[] = []
  for (let count = 0; count < PATHS_PER_TABLE; count++) {
    const path = makePath(random, pick, patterns)
    const match = table.match('GET', undefined, path)
    const verdict = match.kind === 'route' ? match.route.path : match.kind === 'ambiguous' || match.kind === 'bad' ? 'refused' : match.kind
    const expected = modelVerdict(patterns, path)
    if (verdict !== expected) wrong.push(`${path}: ${verdict} instead of ${expected}`)
  }
  t.same(wrong, [], `seed ${seed}: ${patterns.join(' ')}`)
}

type Pick = <T>(items: readonly T[]) => T

function makePatterns (random: () => number, pick: Pick): string[] {
  const byShape = new Map<string, string>()
  const count = 2 + Math.floor(random() * 8)
  while (byShape.size < count) {
    const segments = Array.from({ length: Math.floor(random() * 4) }, () => pick(patternSegments))
    const path = `/${segments.join('/')}${pick(['', '', '', '/', '/*', '/*', '*'])}`.replace(/^\/\//, '/')
    // The configuration refuses patterns that differ in case or a trailing slash only.
    if (routePathFault(path) === null && !byShape.has(looseRoutePathShape(path))) byShape.set(looseRoutePathShape(path), path)
  }
  return [...byShape.values()]
}

/** Mostly near misses of the patterns: their own text with parts changed, cased, slashed or percent-encoded. */
function makePath (random: () => number, pick: Pick, patterns: readonly string[]): string {
  const base = pick(patterns).replace(/:[a-z]+|\*/g, () => pick(pathSegments))
  const segments = base.split('/').map((segment, index) => index > 0 && random() < 0.1 ? pick(pathSegments) : segment)
  if (random() < 0.2) segments.push(pick(['', '', 'a', 'ab', '..']))
  const encoded = [...segments.join('/')].map((char) => disguise(char, random))
  return encoded.join('')
}

function disguise (char: string, random: () => number): string {
  const isAscii = char < '\x7f'
  const chance = random()
  if (!isAscii) return encodeURIComponent(char)
  if (chance < 0.05) return char.toUpperCase()
  if (chance < 0.08) return percent(char)
  if (chance < 0.1) return percent(char).replace('%', '%25')
  return chance < 0.102 ? percent(char).replace('%', '%2525') : char
}

function percent (char: string): string {
  return `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}
