import type { ScopeRule } from '../config/config.ts'
import { holdsScopes } from './scopes.ts'

/** A held set of scopes, beside what a set of rules needs of it. */
export interface NarrowedScopes {
  /**
   * The narrowed set, sorted: it satisfies every rule that `held` satisfies, grants nothing that `held` doesn't, holds
   * no wildcard, and loses a rule with any scope that is taken out of it.
   */
  readonly needed: readonly string[]
  /** Of those held: no rule needs anything of them, or what it needs is also held by itself. */
  readonly unneeded: readonly string[]
  /** Of those held: wildcards that grant something needed, and more. */
  readonly wider: readonly string[]
}

/**
 * Narrows what a key holds to what the rules need of it. A rule that isn't satisfied now needs nothing: no scope that
 * is held admits what it is about. The same for the same sets, in whatever order.
 */
export function narrowScopes (held: readonly string[], rules: readonly ScopeRule[]): NarrowedScopes {
  const met = rules.filter(rule => holdsScopes(held, rule))
  const needed = new Set(met.flatMap(rule => rule.allOf))
  for (const scope of choose(openChoices(held, met, needed), new Set(held))) needed.add(scope)
  const heldOnce = [...new Set(held)]
  const granted = (scope: string) => [...needed].filter(required => !heldOnce.includes(required) && grants(scope, required))
  const others = heldOnce.filter(scope => !needed.has(scope))
  return {
    needed: [...needed].sort(),
    unneeded: others.filter(scope => granted(scope).length === 0),
    wider: others.filter(scope => granted(scope).length > 0),
  }
}

/** For each rule with alternatives that isn't met by what is needed anyway: those of them that are held. */
function openChoices (held: readonly string[], rules: readonly ScopeRule[], needed: ReadonlySet<string>): string[][] {
  return rules
    .filter(({ anyOf }) => anyOf.length > 0 && !anyOf.some(scope => needed.has(scope)))
    .map(({ anyOf }) => [...new Set(anyOf)].filter(scope => held.some(one => grants(one, scope))))
}

/**
 * A few scopes that hit every choice. The fewest would take a search through all combinations; the one that settles
 * most goes first here, and whatever the later ones made superfluous is taken out again.
 */
function choose (choices: readonly (readonly string[])[], held: ReadonlySet<string>): string[] {
  const chosen: string[] = []
  for (let open = choices; open.length > 0; open = open.filter(choice => !choice.includes(chosen.at(-1)!))) {
    chosen.push(best(open, held))
  }
  for (const scope of [...chosen]) {
    const rest = chosen.filter(one => one !== scope)
    if (choices.every(choice => choice.some(one => rest.includes(one)))) chosen.splice(chosen.indexOf(scope), 1)
  }
  return chosen
}

/** The scope that is in most choices; among equals, one that is held by itself, then the first in the alphabet. */
function best (choices: readonly (readonly string[])[], held: ReadonlySet<string>): string {
  const counts = new Map<string, number>()
  for (const scope of choices.flat()) counts.set(scope, (counts.get(scope) ?? 0) + 1)
  const [first] = [...counts].sort(([a, aCount], [b, bCount]) => bCount - aCount || Number(held.has(b)) - Number(held.has(a)) || (a < b ? -1 : 1))
  return first![0]
}

function grants (held: string, required: string): boolean {
  return holdsScopes([held], { allOf: [required], anyOf: [] })
}
