import t from 'tap'
import { holdsScopes, isHeldScope, isScope } from '../../src/routes/scopes.ts'

const all = (...allOf: string[]) => ({ allOf, anyOf: [] })
const any = (...anyOf: string[]) => ({ allOf: [], anyOf })

t.test('all of allOf and one of anyOf are needed', async (t) => {
  t.ok(holdsScopes([], all()), 'nothing required')
  t.notOk(holdsScopes([], all('a:read')))
  t.ok(holdsScopes(['b', 'a:read'], all('a:read')))
  t.notOk(holdsScopes(['a:read'], all('a:read', 'a:write')))
  t.ok(holdsScopes(['a:write', 'a:read'], all('a:read', 'a:write')))
  t.ok(holdsScopes(['a:write'], any('a:read', 'a:write')))
  t.notOk(holdsScopes(['a:other'], any('a:read', 'a:write')))
  t.ok(holdsScopes(['x', 'b'], { allOf: ['x'], anyOf: ['a', 'b'] }))
  t.notOk(holdsScopes(['x'], { allOf: ['x'], anyOf: ['a', 'b'] }))
  t.notOk(holdsScopes(['a'], { allOf: ['x'], anyOf: ['a', 'b'] }))
})

t.test('a held wildcard grants what lies below it, at any depth, and not itself', async (t) => {
  t.ok(holdsScopes(['inventory:*'], all('inventory:read')))
  t.ok(holdsScopes(['inventory:*'], all('inventory:read:all')))
  t.ok(holdsScopes(['inventory:read:*'], all('inventory:read:all')))
  t.notOk(holdsScopes(['inventory:read:*'], all('inventory:read')))
  t.notOk(holdsScopes(['inventory:*'], all('inventory')))
  t.notOk(holdsScopes(['inventory:*'], all('inventory2:read')))
  t.notOk(holdsScopes(['inventory:*'], all('tickets:read')))
  t.ok(holdsScopes(['*'], { allOf: ['a', 'b:c'], anyOf: ['d:e:f'] }))
})

t.test('a held scope of any other form grants nothing', async (t) => {
  const odd = [
    '', ' ', ':', '::', ':*', '**', '* ', ' *', '*:*', '*:read', 'inventory*', 'inventory.*', 'inventory:**', 'inventory: *', 'inv*:read',
    'INVENTORY:READ', 'Inventory:*', 'inventory:read ', ' inventory:read', 'inventory:read\n', 'inventory:', 'inventory:r?ad', 'inventory:re*',
    'inventory::*', '.*', 'inventory:(read|write)', 'inventory', 'inventory:read,inventory:write', 'inventory:read inventory:write',
  ]
  for (const held of odd) {
    t.notOk(holdsScopes([held], all('inventory:read')), JSON.stringify(held))
    t.notOk(holdsScopes([held], any('inventory:read', 'inventory:write')), JSON.stringify(held))
  }
})

t.test('what can be required, and what can be held', async (t) => {
  for (const scope of ['a', 'inventory:read', 'a:b:c', 'a-b_c.d:9']) {
    t.ok(isScope(scope), scope)
    t.ok(isHeldScope(scope), scope)
    t.ok(isHeldScope(`${scope}:*`), `${scope}:*`)
    t.notOk(isScope(`${scope}:*`), `${scope}:*`)
  }
  t.ok(isHeldScope('*'))
  for (const text of ['', '*:*', ':*', 'a:*:b', 'a*', 'A', 'a:', ':a', 'a::b', 'a b', 'a\n', 'a:*\n', 'é']) {
    t.notOk(isScope(text), JSON.stringify(text))
    t.notOk(isHeldScope(text), JSON.stringify(text))
  }
  t.notOk(isScope('*'))
})
