import t from 'tap'
import { checksumOf } from '../../src/keys/format.ts'
import { startGateway } from '../support/gateway.ts'
import { ask, host } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.dGhlLXNpZ25hdHVyZQ'
const basic = 'Basic YWRhOmxvdmVsYWNl'

t.test('an upstream sees no key', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: key, path: /key, upstream: u }
  - { id: scoped, path: /report/scoped, upstream: u, auth: report, scopes: [nobody:holds] }
  - { id: report, path: /report, upstream: u, auth: report }
  - { id: public, path: /none, upstream: u, auth: none }
`,
  })
  const { key } = await gateway.createKey()
  const revoked = await gateway.createKey()
  await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [revoked.apiKey.id])
  const random = key.slice(12)
  const mistyped = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
  const unknown = key.slice(0, 39) + (key[39] === '0' ? '1' : '0')

  const forward = async (target: string, ...headers: string[]) => {
    const seenBefore = upstream.seen.length
    const answer = await ask(gateway.url, { target, headers: [host, ...headers] })
    const seen = upstream.seen.slice(seenBefore)
    return { ...answer, seen: seen[0] }
  }
  /** Whether anything of what the upstream received holds the secret. */
  const holdsSecret = (seen: unknown) => JSON.stringify(seen).toLowerCase().includes(random.toLowerCase())

  const spellings = [
    [`x-api-key: ${key}`],
    [`X-API-KEY: ${key}`],
    [`X-Api-Key:${key}`],
    [`x-api-key:  \t${key} \t `],
    [`Authorization: Bearer ${key}`],
    [`authorization: bearer ${key}`],
    [`AUTHORIZATION: BEARER ${key}`],
    [`Authorization: Bearer    ${key}  `],
    [`Authorization: Bearer\t${key}`],
    [`Authorization: Bearer \t ${key}`],
    [`Authorization: Bearer ${key}`, `x-api-key: ${key}`],
    [`Authorization: Bearer\t${key}`, `x-api-key: ${key}`],
    [`x-api-key: ${key}`, `x_api_key: ${key}`],
    [`x-api-key: ${key}`, `X_API-KEY: ${key}`],
    [`x-api-key: ${key}`, `x.api.key: ${key}`],
    [`x-api-key: ${key}`, 'Connection: x-api-key'],
    [`x-api-key: ${key}`, 'Connection: close, X-API-Key, authorization'],
    [`x-api-key: ${key}`, `x_api_key: ${key}`, 'Connection: x_api_key, x-api-key'],
    [`Authorization: Bearer ${key}`, 'Connection: authorization'],
    [`x-api-key: ${key}`, `Proxy-Authorization: Bearer ${key}`],
    [`x-api-key: ${key}`, `X-Latchkey-Api-Key: ${key}`],
    [`x-api-key: ${key}`, `x-request-id: ${key}`],
    [`x-api-key: ${key}`, `Upgrade: ${key}`, `TE: ${key}`, `Keep-Alive: ${key}`],
  ]
  for (const headers of spellings) {
    for (const target of ['/key', '/report', '/report/scoped']) {
      const { status, seen } = await forward(target, ...headers)
      const row = `${target} ${headers.join(' | ').replaceAll(key, 'KEY')}`
      t.equal(status, 200, row)
      t.ok(seen !== undefined && !holdsSecret(seen), `${row}: nothing of the key arrived`)
      t.equal(seen?.headers['x-latchkey-key-id'], target === '/report/scoped' ? seen?.headers['x-latchkey-key-id'] : '1', 'it was read all the same')
    }
  }

  t.test('nor one that was let through only to be reported', async t => {
    for (const bad of [mistyped, unknown + checksumOf(unknown), `${key}${key}`, key.slice(0, 30), `${key}, x`, revoked.key]) {
      for (const headers of [[`x-api-key: ${bad}`], [`Authorization: Bearer ${bad}`], [`Authorization: Bearer\t${bad}`], [`Authorization: bearer ${bad}`, `x-api-key: ${key}`], ['X_Api_Key: x', `x-api-key: ${bad}`]]) {
        const { status, seen } = await forward('/report', ...headers)
        t.equal(status, 200)
        t.ok(!JSON.stringify(seen).includes(bad.slice(12)), 'nothing of it arrived')
        t.equal(seen?.headers['x-latchkey-user-id'], undefined, 'and nobody is vouched for')
      }
    }
  })

  t.test('on a public route the key\'s header is dropped', async t => {
    for (const headers of [[`x-api-key: ${key}`], [`X_API_KEY: ${key}`], [`x-api-key: ${key}`, 'Connection: x-api-key']]) {
      const { status, seen } = await forward('/none', ...headers)
      t.equal(status, 200)
      t.notOk(holdsSecret(seen))
      t.equal(seen?.headers['x-latchkey-user-id'], undefined)
    }
  })

  t.test('a credential of the upstream\'s own passes', async t => {
    for (const own of [basic, `Bearer ${jwt}`, `bearer ${jwt}`, 'Digest username="ada"', 'Bearer opaque-token', 'AWS4-HMAC-SHA256 Credential=x', 'Bearer']) {
      const beside = await forward('/key', `x-api-key: ${key}`, `Authorization: ${own}`)
      t.equal(beside.seen?.headers.authorization, own, `${own} beside a key`)
      t.notOk(holdsSecret(beside.seen))
      const open = await forward('/none', `Authorization: ${own}`)
      t.equal(open.seen?.headers.authorization, own, `${own} on a public route`)
      const reported = await forward('/report', `Authorization: ${own}`)
      t.equal(reported.seen?.headers.authorization, own, `${own} on a reporting route`)
    }
  })
})
