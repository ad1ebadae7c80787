import t from 'tap'
import { until } from '../../support/until.ts'
import { startUpstream } from '../../support/upstream.ts'
import { startApi } from './support.ts'

const upstream = await startUpstream(t)
const api = await startApi(t, {
  config: `
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: '/*', upstream: u }]
`
})
const { pool } = api.gateway.database

t.test('of changes under one ETag, one is made and the others are refused', async t => {
  for (let round = 0; round < 5; round++) {
    const { apiKey, eTag } = await api.create()
    const path = `/v1/keys/${apiKey.id}`
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => api.call('PATCH', path, { body: { name: `by ${i}` }, headers: { 'if-match': eTag } })))
    const won = answers.filter(({ status }) => status === 200)
    t.equal(won.length, 1)
    t.same(answers.filter(({ status }) => status !== 200).map(({ status, code }) => [status, code]), Array.from({ length: 5 }, () => [412, 'precondition_failed']))
    t.match(await api.call('GET', path), { body: won[0]!.body, eTag: won[0]!.eTag })
  }
})

t.test('a change and a deletion under one ETag', async t => {
  const { apiKey, eTag } = await api.create()
  const path = `/v1/keys/${apiKey.id}`
  const answers = await Promise.all([
    api.call('PATCH', path, { body: { name: 'other' }, headers: { 'if-match': eTag } }),
    api.call('DELETE', path, { headers: { 'if-match': eTag } }),
  ])
  t.match(answers.map(({ status }) => status).join(), /^(200,412|404,204)$/)
})

t.test('the ETag changes with each change', async t => {
  const { apiKey, eTag } = await api.create()
  const path = `/v1/keys/${apiKey.id}`
  t.match(eTag, /^"[\w-]+"$/)
  const seen = [eTag]
  const changes: [string, string, unknown?][] = [
    ['PATCH', path, { name: 'two' }], ['PATCH', path, { description: 'x' }], ['PATCH', path, { scopes: ['a'] }], ['PATCH', path, { metadata: { a: 1 } }], ['PATCH', path, { metadata: { a: 2 } }],
    ['PATCH', path, { expiresIn: '90d' }], ['PATCH', path, { expiresAt: null }], ['POST', `${path}/disable`], ['POST', `${path}/rotate`, { gracePeriod: '0s' }], ['POST', `${path}/revoke`],
  ]
  for (const [method, at, body] of changes) {
    const answer = await api.call(method, at, { body })
    t.equal(answer.status, 200)
    t.notOk(seen.includes(answer.eTag) && !('expiresAt' in (body as object ?? {})), `${method} ${at} ${JSON.stringify(body)}`)
    t.equal((await api.call('GET', path)).eTag, answer.eTag, 'as it is read')
    seen.push(answer.eTag)
  }
  t.equal((await api.call('POST', `${path}/revoke`)).eTag, seen.at(-1), 'and not where nothing does')
  await pool.query("update api_keys set name = 'by hand' where id = $1", [apiKey.id])
  t.not((await api.call('GET', path)).eTag, seen.at(-1), 'straight SQL is a change as well')
})

t.test('the ETag does not change with use', async t => {
  const { key, apiKey, eTag } = await api.create()
  const path = `/v1/keys/${apiKey.id}`
  await until(async () => (await fetch(api.gateway.url, { headers: { 'x-api-key': key } })).status === 200, 'the key works')
  await until(async () => (await api.call('GET', path)).body.lastUsedAt !== null, 'its use is seen')
  t.equal((await api.call('GET', path)).eTag, eTag)
  t.equal((await api.call('PATCH', path, { body: { name: 'used' }, headers: { 'if-match': eTag } })).status, 200)
})

t.test('If-Match as RFC 9110 has it', async t => {
  const { apiKey } = await api.create()
  const path = `/v1/keys/${apiKey.id}`
  const ask = async (condition: (eTag: string) => string, method = 'PATCH') => {
    const { eTag } = await api.call('GET', path)
    return (await api.call(method, path, { ...method === 'PATCH' ? { body: { name: condition(eTag) } } : {}, headers: { 'if-match': condition(eTag) } })).status
  }
  t.equal(await ask(() => '*'), 200, 'whatever it is')
  t.equal(await ask(eTag => ` ${eTag} `), 200)
  t.equal(await ask(eTag => `"other", ${eTag}`), 200, 'one of several')
  t.equal(await ask(eTag => `W/"other", ${eTag}`), 200)
  t.equal(await ask(() => '"one", "other"'), 412)
  t.equal(await ask(eTag => `W/${eTag}`), 412, 'a weak one never matches')
  t.equal(await ask(eTag => `W/"x, ${eTag.slice(1)}`), 412)
  t.equal(await ask(eTag => eTag.slice(1, -1)), 412, 'what is no ETag')
  t.equal(await ask(() => '"other"', 'DELETE'), 412)
  t.equal(await ask(() => '""', 'DELETE'), 412)
  t.equal((await api.call('GET', path)).status, 200, 'it is still there')
  t.equal(await ask(eTag => eTag, 'DELETE'), 204)
  t.equal((await api.call('DELETE', path, { headers: { 'if-match': '*' } })).status, 404)
})

t.test('who names no version changes what there is', async t => {
  const { apiKey } = await api.create()
  const answers = await Promise.all(Array.from({ length: 5 }, (_, i) => api.call('PATCH', `/v1/keys/${apiKey.id}`, { body: { name: `by ${i}` } })))
  t.same(answers.map(({ status }) => status), [200, 200, 200, 200, 200])
})
