import fc from 'fast-check'
import t from 'tap'
import { isGrantableScope } from '../../src/keys/scope-names.ts'
import { holdsScopes, isHeldScope, isScope } from '../../src/routes/scopes.ts'
import { holds } from './property.ts'

const parts = fc.constantFrom('a', 'b', 'ab', 'inventory', 'read', 'x.y', '_', '-', '0')
const scopes = fc.array(parts, { minLength: 1, maxLength: 4 }).map(list => list.join(':'))
const wildcards = fc.oneof(fc.constant('*'), scopes.map(scope => `${scope}:*`))
const malformed = fc.oneof(
  fc.constantFrom('', ':', '*:', ':*', '**', '*:*', 'a*', 'a:', ':a', 'a::b', 'a:*:b', 'a:*:*', 'A', 'a b', 'a:b\n', ' a', 'a:*\n', '\na:*', 'é', 'a,b', 'a:b*', '*a', 'inventory:*x', 'inventory*', 'inventory', 'null', '__proto__'),
  fc.tuple(scopes, fc.constantFrom(' ', '\n', ':', '*', ',', 'A', '\0', '/')).map(([scope, odd]) => scope + odd),
  fc.array(fc.constantFrom(':', '*', 'a', 'b', 'A', ' ', '\n'), { maxLength: 6 }).map(list => list.join('')),
  fc.string({ unit: 'binary', maxLength: 6 })
)
const held = fc.array(fc.oneof(scopes, wildcards, malformed), { maxLength: 5 })
const rules = fc.record({ allOf: fc.array(scopes, { maxLength: 3 }), anyOf: fc.array(scopes, { maxLength: 3 }) })

holds(t, 'a key may what its well-formed scopes say, segment by segment', 20_000, fc.property(held, rules, (held, rule) => {
  const grants = (required: string) => held.some(scope => modelGrants(scope, required))
  const expected = rule.allOf.every(grants) && (rule.anyOf.length === 0 || rule.anyOf.some(grants))
  return holdsScopes(held, rule) === expected
}))

holds(t, 'a malformed scope grants nothing', 10_000, fc.property(fc.array(malformed.filter(text => !modelIsHeld(text)), { minLength: 1, maxLength: 4 }), scopes, (held, required) => {
  return !holdsScopes(held, { allOf: [required], anyOf: [] }) && !holdsScopes(held, { allOf: [], anyOf: [required] })
}))

holds(t, 'what can be required, held and given is told alike everywhere', 10_000, fc.property(fc.oneof(scopes, wildcards, malformed), text => {
  return isScope(text) === modelIsScope(text) && isHeldScope(text) === modelIsHeld(text) && isGrantableScope(text) === modelIsHeld(text)
}))

function modelGrants (scope: string, required: string): boolean {
  if (!modelIsHeld(scope)) return false
  const held = scope.split(':')
  const wanted = required.split(':')
  if (held.at(-1) !== '*') return held.length === wanted.length && held.every((part, index) => part === wanted[index])
  const leading = held.slice(0, -1)
  return wanted.length > leading.length && leading.every((part, index) => part === wanted[index])
}

function modelIsHeld (text: string): boolean {
  const list = text.split(':')
  const plain = list.at(-1) === '*' ? list.slice(0, -1) : list
  return plain.every(isPart)
}

function modelIsScope (text: string): boolean {
  return text.split(':').every(isPart)
}

function isPart (text: string): boolean {
  return text !== '' && [...text].every(char => 'abcdefghijklmnopqrstuvwxyz0123456789._-'.includes(char))
}
