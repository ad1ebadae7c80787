import t from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { faultsOf, minimal } from './faults.ts'

function withTargets (targets: string): string {
  return `upstreams: { sample: { targets: ${targets} } }\nroutes: [{ id: one, path: /, upstream: sample }]`
}

const faulty: [string, RegExp][] = [
  ['[]', /targets must not be empty/],
  ['http://a', /targets must be a list/],
  ['[127.0.0.1:9000]', /must be an origin such as/],
  ['["http://a/"]', /must be an origin such as/],
  ['["http://a/b"]', /must be an origin such as/],
  ['["http://a?b"]', /must be an origin such as/],
  ['["http://a#b"]', /must be an origin such as/],
  ['["http://user:secret@a"]', /must be an origin such as/],
  ['["ftp://a"]', /must be an origin such as/],
  ['["http://"]', /must be an origin such as/],
  ['["http://a b"]', /must be an origin such as/],
  ['["http://a:99999"]', /has an invalid host or port/],
  ['["http://a:0"]', /has an invalid host or port/],
  ['["http://[::1"]', /has an invalid host or port/],
  ['["http://a", "http://a"]', /lists this twice/],
  ['["http://a", "HTTP://A:80"]', /is the same server as another target, http:\/\/a/],
]
for (const [targets, message] of faulty) {
  t.test(targets, async (t) => {
    const faults = faultsOf(withTargets(targets))
    t.equal(faults.length, 1, faults.join('\n'))
    t.match(faults[0], message)
    t.notMatch(faults[0], 'secret')
  })
}

t.test('targets are origins, in the order of the file', async (t) => {
  const { upstreams } = parseConfig(withTargets('["HTTP://Example.com:80", "https://a:8443", "http://[::1]:9000"]'), 'f')
  t.same(upstreams[0]?.targets, ['http://example.com', 'https://a:8443', 'http://[::1]:9000'])
})

t.test('the other settings of an upstream', async (t) => {
  t.match(faultsOf(minimal({ upstream: 'retries: 6' })), [/retries must be 5 or less/])
  t.match(faultsOf(minimal({ upstream: 'connectTimeout: 0ms' })), [/connectTimeout must be 1ms to 24d/])
  t.match(faultsOf(minimal({ upstream: 'health: { path: /healthz }' })), [/unknown key "health" in upstreams.sample/])
  t.same(faultsOf(minimal({ upstream: 'retries: 0, bodyTimeout: 1h' })), [])
})

t.test('an upstream needs a plain name; one that no route uses is fine', async (t) => {
  const file = (name: string) => `upstreams: { ${name}: { targets: [http://b] }, a: { targets: [http://a] } }\nroutes: [{ id: one, path: /, upstream: a }]`
  t.same(faultsOf(file('unused')), [])
  t.same(faultsOf(file('7')), [])
  t.match(faultsOf(file('"a b"')), [/an upstream's name must be/])
  t.match(faultsOf(file('__proto__')), [/an upstream's name must be/])
})
