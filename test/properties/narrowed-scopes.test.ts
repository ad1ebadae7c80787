import fc from 'fast-check'
import t from 'tap'
import type { ScopeRule } from '../../src/config/config.ts'
import { isGrantableScope } from '../../src/keys/scope-names.ts'
import { narrowScopes } from '../../src/routes/narrowed-scopes.ts'
import { holdsScopes } from '../../src/routes/scopes.ts'
import { holds } from './property.ts'

// Few names, so that what is held and what is asked for meet often.
const scopes = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map(list => list.join(':'))
const wildcards = fc.oneof(fc.constant('*'), scopes.map(scope => `${scope}:*`))
const malformed = fc.constantFrom('', 'A', 'a:*:b', 'a*', ':a', 'a::b', '**', 'a b', '__proto__')
const held = fc.array(fc.oneof({ weight: 5, arbitrary: scopes }, { weight: 2, arbitrary: wildcards }, { weight: 1, arbitrary: malformed }), { maxLength: 8 })
const rules = fc.array(fc.record({ allOf: fc.array(scopes, { maxLength: 2 }), anyOf: fc.array(scopes, { maxLength: 4 }) }), { maxLength: 8 })

holds(t, 'a narrowed set admits every request that the held one admitted', 20_000, fc.property(held, rules, (held, rules) => {
  const { needed } = narrowScopes(held, rules)
  return rules.every(rule => !holdsScopes(held, rule) || holdsScopes(needed, rule))
}))

holds(t, 'and grants nothing that was not held', 20_000, fc.property(held, rules, fc.array(scopes, { minLength: 1, maxLength: 5 }), (held, rules, asked) => {
  const { needed } = narrowScopes(held, rules)
  return [...asked, ...needed].every(scope => !holdsScopes(needed, all(scope)) || holdsScopes(held, all(scope)))
}))

holds(t, 'and none of it can be left out', 10_000, fc.property(held, rules, (held, rules) => {
  const { needed } = narrowScopes(held, rules)
  const met = rules.filter(rule => holdsScopes(held, rule))
  return needed.every(scope => met.some(rule => !holdsScopes(needed.filter(one => one !== scope), rule)))
}))

holds(t, 'and can be given to a key, without wildcards, and narrowed again comes to itself', 10_000, fc.property(held, rules, (held, rules) => {
  const { needed } = narrowScopes(held, rules)
  const again = narrowScopes(needed, rules)
  return needed.every(scope => isGrantableScope(scope) && !scope.includes('*')) &&
    same(again.needed, needed) && again.unneeded.length === 0 && again.wider.length === 0
}))

holds(t, 'and is the same in whatever order routes were used and scopes are held', 5_000, fc.property(
  fc.tuple(held, rules).chain(([held, rules]) => fc.tuple(fc.constant(held), fc.constant(rules), shuffled(held), shuffled(rules))),
  ([held, rules, otherHeld, otherRules]) => same(narrowScopes(held, rules).needed, narrowScopes([...otherHeld, ...held], [...otherRules, ...rules]).needed)
))

holds(t, 'each scope that is held is needed, too wide or not needed, and only one of them', 10_000, fc.property(held, rules, (held, rules) => {
  const { needed, unneeded, wider } = narrowScopes(held, rules)
  return held.every(scope => [needed, unneeded, wider].filter(set => set.includes(scope)).length === 1) &&
    [...unneeded, ...wider].every(scope => held.includes(scope)) && wider.every(scope => scope.endsWith('*')) &&
    // What isn't needed can go: the rest, as it is held, still admits all.
    rules.every(rule => !holdsScopes(held, rule) || holdsScopes(held.filter(scope => !unneeded.includes(scope)), rule))
}))

function all (scope: string): ScopeRule {
  return { allOf: [scope], anyOf: [] }
}

function same (a: readonly string[], b: readonly string[]): boolean {
  return a.join(' ') === b.join(' ')
}

function shuffled<T> (list: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...list], { minLength: list.length })
}
