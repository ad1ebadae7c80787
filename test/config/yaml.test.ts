import t from 'tap'
import { faultsOf, minimal } from './faults.ts'

const faulty: [string, string, RegExp][] = [
  ['an empty text', '', /^1:1 the file is empty/],
  ['only comments', '# nothing\n', /^1:1 the file is empty/],
  ['a list', '- a\n', /^1:1 the configuration must be a map/],
  ['plain text', 'hello\n', /^1:1 the configuration must be a map/],
  ['an unfinished list', 'routes: [', /^1:10 not valid YAML: /],
  ['an unfinished quote', 'routes: "', /not valid YAML: /],
  ['tabs', 'gateway:\n\tport: 1\n', /^2:1 /],
  ['a second document', `${minimal()}---\na: 1\n`, /^5:1 a second document begins here/],
  ['an unknown tag', minimal({ sections: 'gateway: { port: !port 80 }' }), /^1:18 not valid YAML: Unresolved tag/],
  ['an alias without anchor', minimal({ sections: 'gateway: { host: *any }' }), /^1:18 alias \*any has no anchor before it: quote text that begins with \*/],
  ['an anchor that holds itself', 'gateway: &a { host: *a }', /aliases are nested too deeply/],
  ['a merge key', minimal({ sections: 'admin: &a { port: 1 }\ngateway: { <<: *a, port: 2 }' }), /^2:12 unknown key "<<" in gateway/],
]
for (const [name, text, message] of faulty) {
  t.test(name, async (t) => {
    const faults = faultsOf(text)
    t.match(faults.join('\n'), message)
  })
}

t.test('a key that stands twice is reported beside the other faults', async (t) => {
  t.same(faultsOf(minimal({ sections: 'gateway:\n  port: 1\n  port: 2\n  hots: a' })), [
    '3:3 this key stands here a second time: keep one',
    '4:3 unknown key "hots" in gateway: did you mean "host"?',
  ])
})

t.test('aliases are followed, and faults in them are placed where they are written', async (t) => {
  const sections = 'keys: { cache: { ttl: &time 60s, negativeTtl: *time } }'
  t.same(faultsOf(minimal({ sections })), [])
  t.same(faultsOf(minimal({ sections: sections.replace('60s', '60x') })), [
    '1:29 keys.cache.ttl must be a duration such as 250ms, 10s, 5m or 1h',
    '1:29 keys.cache.negativeTtl must be a duration such as 250ms, 10s, 5m or 1h',
  ])
})

t.test('aliases that multiply are not written out', async (t) => {
  const levels = Array.from({ length: 30 }, (_, level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}, *a${level}, *a${level}]`)
  t.match(faultsOf(['a0: &a0 [x, x]', ...levels].join('\n')).join('\n'), /aliases are nested too deeply/)
})

t.test('deep nesting is a fault like any other', async (t) => {
  t.match(faultsOf('['.repeat(20_000)).join('\n'), /not valid YAML/)
})

t.test('a text with a byte order mark or CRLF is placed the same', async (t) => {
  t.same(faultsOf(minimal()), [])
  t.same(faultsOf(minimal({ sections: 'gateway:\n  prot: 1' }).replaceAll('\n', '\r\n')), ['2:3 unknown key "prot" in gateway: did you mean "port"?'])
})

t.test('missing parts are named, at what lacks them', async (t) => {
  t.same(faultsOf('gateway: {}\n'), ['1:1 the configuration lacks upstreams', '1:1 the configuration lacks routes'])
  t.same(faultsOf('upstreams: { a: {} }\nroutes:\n  - path: /\n'), [
    '1:14 upstreams.a lacks targets',
    '3:5 routes[0] lacks id',
    '3:5 routes[0] lacks upstream',
  ])
  t.same(faultsOf('upstreams: {}\nroutes: []\n'), ['1:12 upstreams must not be empty', '2:9 routes must not be empty'])
})

t.test('unknown keys are shown cut, and without what could mislead a terminal', async (t) => {
  const [fault = ''] = faultsOf(minimal({ sections: `"\\e[2J${'x'.repeat(500)}": 1` }))
  t.notMatch(fault, '\x1b')
  t.ok(fault.length < 200)
})
