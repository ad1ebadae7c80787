import t from 'tap'
import { routePathFault } from '../../src/config/route-path.ts'
import { faultsOf } from './faults.ts'

const faulty: [string, RegExp][] = [
  ['', /must start with \//],
  ['*', /must start with \//],
  ['a', /must start with \//],
  ['//', /must not hold \/\//],
  ['/a//b', /must not hold \/\//],
  ['/a;b', /must not hold ;/],
  ['/a\\b', /must not hold \\/],
  ['/a#b', /must not hold #/],
  ['/a?', /must not hold \?/],
  ['/:id?', /has the segment :id\?/],
  ['/a%20b', /must not be percent-encoded/],
  ['/a b', /printable ASCII/],
  ['/é', /printable ASCII/],
  ['/.', /must not hold the segment \./],
  ['/a/../b', /must not hold the segment \.\./],
  ['/*/a', /may have \* at its end only/],
  ['/a*b', /may have \* at its end only/],
  ['/**', /may have \* at its end only/],
  ['/:', /a parameter is a segment of its own/],
  ['/:1', /a parameter is a segment of its own/],
  ['/a:b', /a parameter is a segment of its own/],
  ['/::a', /a parameter is a segment of its own/],
  ['/:a-:b', /a parameter is a segment of its own/],
  ['/:a.json', /a parameter is a segment of its own/],
  ['/:id(\\d+)', /a parameter is a segment of its own/],
  ['/:a*', /must not have \* right behind a parameter/],
]
for (const [path, message] of faulty) t.match(routePathFault(path), message, path)

for (const path of ['/', '/*', '/a', '/a/', '/a/*', '/a*', '/:id', '/a/:id/b', '/:a/:b/*', '/:id/', '/.well-known/x', "/-_.~!$&'()+,=@", '/A/b']) {
  t.equal(routePathFault(path), null, path)
}

t.test('a faulty path is reported where it stands', async (t) => {
  t.same(faultsOf('upstreams: { a: { targets: [http://a] } }\nroutes:\n  - id: one\n    path: /a//b\n    upstream: a\n'), ['4:11 path "/a//b" must not hold //'])
})
