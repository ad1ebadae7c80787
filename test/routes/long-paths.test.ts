import t from 'tap'
import { RouteTable } from '../../src/routes/route-table.ts'
import { routeConfig } from './route-config.ts'

const table = new RouteTable([
  routeConfig({ id: 'param', path: '/files/:name' }),
  routeConfig({ id: 'rest', path: '/*' }),
])

for (const length of [100, 101, 5_000, 100_000]) {
  const match = table.match('GET', undefined, `/files/${'x'.repeat(length)}`)
  t.equal(match.kind === 'route' && match.route.id, 'param', `a parameter of ${length} characters doesn't fall through to a wider route`)
}

t.test('paths full of escapes are decided without delay, however often they are encoded', async (t) => {
  t.equal(table.match('GET', undefined, `/files/${'%25'.repeat(5_000)}`).kind, 'route')
  t.equal(table.match('GET', undefined, `/files/${'%25'.repeat(2)}${'25'.repeat(5_000)}41`).kind, 'ambiguous')
  t.equal(table.match('GET', undefined, `/files/%${'25'.repeat(5_000)}2f`).kind, 'ambiguous')
  t.equal(table.match('GET', undefined, `/${'a/'.repeat(8_000)}b`).kind, 'route')
})
