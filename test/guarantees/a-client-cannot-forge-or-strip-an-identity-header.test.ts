import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { ask } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

const forged = 'forged-by-the-client'
const names = [
  'x-latchkey-key-id', 'x-latchkey-user-id', 'x-latchkey-scopes', 'x-latchkey-anything',
  'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix',
  'forwarded', 'x-real-ip', 'x-request-id', 'traceparent',
]
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

t.test('a client cannot forge or strip an identity header', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: key, path: /key, upstream: u }
  - { id: report, path: /report, upstream: u, auth: report }
  - { id: public, path: /none, upstream: u, auth: none }
`,
  })
  const { key, apiKey } = await gateway.createKey({ scopes: ['inventory:read', 'tickets:*'] })
  const identity = { 'x-latchkey-key-id': String(apiKey.id), 'x-latchkey-user-id': apiKey.userId, 'x-latchkey-scopes': 'inventory:read tickets:*' }
  const transport = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'gateway.test' }

  const forward = async (target: string, ...headers: string[]) => {
    const seenBefore = upstream.seen.length
    const answer = await ask(gateway.url, { target, headers: ['Host: gateway.test', ...headers] })
    const seen = upstream.seen.slice(seenBefore)
    t.equal(answer.status, 200, `${target} ${headers.join(' | ')}`)
    t.equal(seen.length, 1)
    const lines: [name: string, value: string][] = []
    for (let i = 0; i < seen[0]!.rawHeaders.length; i += 2) lines.push([seen[0]!.rawHeaders[i]!, seen[0]!.rawHeaders[i + 1]!])
    return { answer, lines, headers: seen[0]!.headers }
  }
  /** Values of a header in whatever spelling an upstream could take for it. */
  const valuesOf = (lines: [string, string][], name: string) =>
    lines.filter(([line]) => line.toLowerCase().replace(/[^a-z0-9]/g, '-') === name).map(([, value]) => value)
  const withKey = `x-api-key: ${key}`

  t.test('by any spelling', async t => {
    for (const name of names) {
      for (const spelling of spellingsOf(name)) {
        for (const [target, credential] of [['/key', [withKey]], ['/report', []], ['/none', []]] as const) {
          const { lines } = await forward(target, ...credential, `${spelling}: ${forged}!`, `${spelling}: ${forged}!`)
          t.notOk(lines.some(([, value]) => value.includes(forged)), `${spelling} on ${target} doesn't arrive`)
          const expected = { ...(target === '/key' ? identity : {}), ...transport }
          for (const [own, value] of Object.entries(expected)) t.same(valuesOf(lines, own), [value], `${own} is the gateway's, once`)
          if (target !== '/key') t.notOk(lines.some(([line]) => /^x.latchkey/i.test(line)), 'nobody is vouched for')
        }
      }
    }
  })

  t.test('by naming it in Connection', async t => {
    const all = [...Object.keys(identity), ...Object.keys(transport), 'x-request-id', 'traceparent', 'host']
    for (const connection of [...all, ...all.map(name => name.toUpperCase()), all.join(','), all.map(name => name.replaceAll('-', '_')).join(', '), `close , ${all.join(' ,\t')}`]) {
      const { lines, headers } = await forward('/key', withKey, `Connection: ${connection}`, 'x-request-id: the-clients', `traceparent: ${traceparent}`)
      for (const [name, value] of Object.entries({ ...identity, ...transport, 'x-request-id': 'the-clients', traceparent })) {
        t.same(valuesOf(lines, name), [value], `Connection: ${connection} leaves ${name}`)
      }
      t.equal(headers.host, `127.0.0.1:${upstream.port}`)
    }
  })

  t.test('and Connection takes away what is the client\'s', async t => {
    const { headers } = await forward('/key', withKey, 'Connection: x-hop, X-Other', 'x-hop: 1', 'x-other: 2', 'x-kept: 3', 'TE: trailers', 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive')
    t.match(headers, { 'x-kept': '3' })
    for (const name of ['x-hop', 'x-other', 'te', 'keep-alive', 'proxy-connection', 'upgrade', 'proxy-authorization']) t.notOk(name in headers, name)
  })

  t.test('by a request id or a trace that isn\'t valid', async t => {
    for (const id of ['', 'a b', 'a,b', 'a/b', 'ä', '<script>', 'x'.repeat(129), `${'x'.repeat(128)}\t`]) {
      const { answer, headers } = await forward('/key', withKey, `x-request-id: ${id}`)
      const isKept = id.trim().length === 128
      t.match(headers['x-request-id'], isKept ? /^x{128}$/ : /^[0-9a-f-]{36}$/, id)
      t.same(answer.headers['x-request-id'], [headers['x-request-id']], 'the client gets the same')
    }
    const two = await forward('/key', withKey, 'x-request-id: one', 'x-request-id: two')
    t.match(two.headers['x-request-id'], /^[0-9a-f-]{36}$/)

    const invalid = [
      'x', traceparent.toUpperCase(), `ff${traceparent.slice(2)}`, traceparent.slice(0, -1), `${traceparent}0`, `${traceparent}-more`,
      '00-00000000000000000000000000000000-b7ad6b7169203331-01', '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    ]
    for (const trace of invalid) {
      const { lines, headers } = await forward('/key', withKey, `traceparent: ${trace}`, 'tracestate: vendor=1', 'Trace_State: x', 'TraceState: vendor=2')
      t.match(headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/, trace)
      t.not(headers.traceparent, trace)
      t.same(valuesOf(lines, 'tracestate'), [], 'the state goes with its parent')
    }
    const repeated = await forward('/key', withKey, `traceparent: ${traceparent}`, `traceparent: ${traceparent}`, 'tracestate: vendor=1')
    t.same(valuesOf(repeated.lines, 'tracestate'), [])
    t.not(repeated.headers.traceparent, traceparent)
    const valid = await forward('/key', withKey, `traceparent: ${traceparent}`, 'tracestate: vendor=1')
    t.match(valid.headers, { traceparent, tracestate: 'vendor=1' })
    const stateAlone = await forward('/none', 'tracestate: vendor=1')
    t.same(valuesOf(stateAlone.lines, 'tracestate'), [])
  })

  t.test('by what another wrote into the row', async t => {
    const { key, apiKey } = await gateway.createKey({ user: 'eve@example.com' })
    await gateway.database.pool.query('update api_keys set scopes = $2 where id = $1', [apiKey.id, ['a:b', 'x\r\nx-latchkey-user-id: forged', 'a b', 'ä', '', '*:*', 'c:*', null]])
    const { headers } = await forward('/key', `x-api-key: ${key}`)
    t.equal(headers['x-latchkey-scopes'], 'a:b c:*', 'only what can grant something')
    t.equal(headers['x-latchkey-user-id'], apiKey.userId)
  })
})

function spellingsOf (name: string): string[] {
  const title = name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
  const last = name.lastIndexOf('-')
  const mixed = last === -1 ? title : `${title.slice(0, last)}_${title.slice(last + 1)}`
  return [...new Set([name, title, name.toUpperCase(), name.replaceAll('-', '_'), title.replaceAll('-', '_'), mixed, name.replaceAll('-', '.'), name.replaceAll('-', '~')])]
}
