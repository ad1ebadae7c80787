import t from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { ScopeJudge } from '../../src/routes/scope-judge.ts'

const { routes } = parseConfig(`
upstreams: { a: { targets: ["http://127.0.0.1:9"] } }
routes:
  - { id: read, path: /read, upstream: a, scopes: [inventory:read] }
  - { id: write, path: /write, upstream: a, scopes: [inventory:read, inventory:write] }
  - { id: either, path: /either, upstream: a, scopes: { anyOf: [tickets:read, tickets:admin] } }
  - { id: admin, path: /admin, upstream: a, scopes: { anyOf: [tickets:admin, root] } }
  - { id: watched, path: /watched, upstream: a, auth: report, scopes: [watch] }
  - { id: free, path: /free, upstream: a }
`, 'gateway.yaml')
const judge = new ScopeJudge(routes)

const cases = [
  { does: 'an unused scope is not needed', held: ['inventory:read', 'tickets:read'], used: ['read'], needed: ['inventory:read'], unneeded: ['tickets:read'] },
  { does: 'a wildcard becomes what was needed of it', held: ['inventory:*'], used: ['write'], needed: ['inventory:read', 'inventory:write'], wider: ['inventory:*'] },
  { does: 'so does a star', held: ['*'], used: ['read', 'either'], needed: ['inventory:read', 'tickets:admin'], wider: ['*'] },
  { does: 'a wildcard beside all that was needed of it is for nothing', held: ['inventory:*', 'inventory:read'], used: ['read'], needed: ['inventory:read'], unneeded: ['inventory:*'] },
  { does: 'of alternatives one is enough', held: ['tickets:read', 'tickets:admin', 'root'], used: ['either', 'admin'], needed: ['tickets:admin'], unneeded: ['tickets:read', 'root'] },
  { does: 'one that is needed anyway serves as the alternative', held: ['tickets:read', 'root'], used: ['either', 'admin'], needed: ['root', 'tickets:read'] },
  { does: 'one that is held by itself comes before one of a wildcard', held: ['tickets:*', 'tickets:read'], used: ['either'], needed: ['tickets:read'], unneeded: ['tickets:*'] },
  { does: 'a refused request needed nothing', held: ['inventory:read'], used: ['write'], needed: [], unneeded: ['inventory:read'] },
  { does: 'a route that only reports asks one day', held: ['watch', 'other'], used: ['watched'], needed: ['watch'], unneeded: ['other'] },
  { does: 'a route without scopes asks for none', held: ['watch'], used: ['free'], needed: [], unneeded: ['watch'] },
  { does: 'a malformed scope is for nothing', held: ['Inventory:Read', 'inventory:read'], used: ['read'], needed: ['inventory:read'], unneeded: ['Inventory:Read'] },
  { does: 'unknown routes are named', held: ['inventory:read'], used: ['read', 'gone', ''], needed: ['inventory:read'], unknownRoutes: ['gone', ''] },
]

for (const { does, held, used, ...expected } of cases) {
  t.test(does, async t => {
    t.strictSame(judge.judge(held, used), { unneeded: [], wider: [], unknownRoutes: [], ...expected })
  })
}
