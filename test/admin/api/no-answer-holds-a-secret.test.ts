import { randomBytes } from 'node:crypto'
import t from 'tap'
import { until } from '../../support/until.ts'
import { startUpstream } from '../../support/upstream.ts'
import { operations, pathOf } from './document.ts'
import { adminToken, type ApiAnswer, startApi, tokenOf } from './support.ts'

const upstream = await startUpstream(t)
const pepper = randomBytes(32)
const api = await startApi(t, {
  pepper,
  config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: '/*', upstream: u }]
`
})
const { pool } = api.gateway.database
const named = await tokenOf(api, 'write')

t.test('no answer holds a hash, a digest or a token, and none but two a key', async t => {
  const answers: [string, ApiAnswer][] = []
  const keys: string[] = []
  const remember = (answer: ApiAnswer): ApiAnswer => {
    keys.push(answer.body.key)
    return answer
  }
  // A key with all that it can have: a use, an earlier secret, and a repeated request.
  const headers = { 'idempotency-key': 'one' }
  const made = remember(await api.call('POST', '/v1/keys', { token: named, headers, body: { userId: 'ada@example.com', name: 'one', scopes: ['*'], metadata: { a: 1 } } }))
  const { id } = made.body.apiKey
  await until(async () => (await fetch(api.gateway.url, { headers: { 'x-api-key': keys[0]! } })).status === 200, 'the key works')
  for (const gracePeriod of ['1h', '2h']) remember(await api.call('POST', `/v1/keys/${id}/rotate`, { token: named, body: { gracePeriod }, headers: { 'idempotency-key': gracePeriod } }))
  await until(async () => (await api.call('GET', '/v1/usage/export')).text !== '', 'the use is recorded')

  const bodies: Record<string, unknown> = { createKey: { userId: 'ada@example.com', name: 'x', scopes: [] }, updateKey: { name: 'two' }, explain: { method: 'GET', path: '/', keyId: id }, importKeys: { rows: [] } }
  // The deletion comes last; then what is there no more.
  const ordered = [...operations.filter(({ operationId }) => operationId !== 'deleteKey'), ...operations.filter(({ operationId }) => operationId === 'deleteKey'), ...operations]
  for (const operation of ordered) {
    for (const body of [bodies[operation.operationId], { secret: keys[0], [keys[1]!]: keys[1] }]) {
      const answer = await api.call(operation.method, pathOf(operation, id), operation.method === 'GET' ? {} : { body })
      if (['createKey', 'rotateKey'].includes(operation.operationId) && answer.body?.key !== undefined) {
        keys.push(answer.body.key)
        t.equal(answer.text.split(answer.body.key).length, 2, 'once')
        answers.push([operation.operationId, { ...answer, text: answer.text.replace(answer.body.key, '') }])
      } else {
        answers.push([operation.operationId, answer])
      }
    }
  }
  answers.push(['export', await api.call('GET', '/v1/usage/export?format=csv')], ['search', await api.call('GET', `/v1/keys?search=${keys[0]}`)], ['prefix', await api.call('GET', `/v1/keys?userId=${keys[0]}`)])

  const secrets = new Set([...keys.map(key => key.slice(13)), adminToken, named.slice(19), pepper.toString('hex'), pepper.toString('base64')])
  const stored = await pool.query(`
    select key_hash as text, key_lookup as bytes from api_keys union all select key_hash, key_lookup from latchkey.earlier_secrets
    union all select null, token_hash from latchkey.admin_tokens union all select null, request_digest from latchkey.idempotent_requests union all select null, answer from latchkey.idempotent_requests`)
  for (const { text, bytes } of stored.rows as { text: string | null, bytes: Buffer | null }[]) {
    if (text !== null) secrets.add(text)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) if (bytes !== null) secrets.add(bytes.toString(encoding).slice(0, 40))
  }
  t.ok(secrets.size > 15)
  for (const [name, { text, headers }] of answers) {
    const all = JSON.stringify(headers) + text
    const found = [...secrets].filter(secret => all.includes(secret))
    t.same(found, [], name)
    t.notMatch(all, /key_?hash|key_?lookup|pepper|digest|\$2[aby]\$/i, name)
  }
  const log = api.gateway.logs.join('')
  t.same([...secrets].filter(secret => log.includes(secret)), [], 'the log holds none either')
})
