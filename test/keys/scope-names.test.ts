import t from 'tap'
import { isGrantableScope } from '../../src/keys/scope-names.ts'

t.test('scopes that a key may be given', async (t) => {
  for (const scope of ['*', 'inventory', 'inventory:read', 'inventory:*', 'a.b_c-d:1:2', 'a:b:*']) t.ok(isGrantableScope(scope), scope)
  for (const scope of ['', ':', 'a:', ':a', 'A:b', 'a b', 'a:*:b', '**', '*:a', 'a*', 'a::b', 'inventory:read ', 'a\n', 'é']) {
    t.notOk(isGrantableScope(scope), JSON.stringify(scope))
  }
})
