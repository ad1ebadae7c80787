import t from 'tap'
import { startApi, tokenOf } from './support.ts'

const api = await startApi(t)
const { pool } = api.gateway.database
const token = await tokenOf(api, 'write', 'of the night job')

async function entries (query = '') {
  return (await api.call<{ data: { id: string, at: string, action: string, keyId: number, keyName: string, requestId: string, before: any, after: any }[] }>('GET', `/v1/audit?limit=500${query}`)).body.data
}

t.test('each change has its entry: what, who, whence, and the id of its request', async t => {
  const made = await api.call('POST', '/v1/keys', { token, body: { userId: 'ada@example.com', name: 'one', scopes: ['a'] } })
  const path = made.headers['location'] as string
  const { id, prefix } = made.body.apiKey
  const changes: [string, string, string, unknown?][] = [
    ['key.updated', 'PATCH', path, { name: 'two', scopes: ['b'] }],
    ['key.disabled', 'POST', `${path}/disable`],
    ['key.enabled', 'POST', `${path}/enable`],
    ['key.rotated', 'POST', `${path}/rotate`],
    ['key.grace_ended', 'POST', `${path}/end-grace`],
    ['key.revoked', 'POST', `${path}/revoke`],
    ['key.deleted', 'DELETE', path],
  ]
  const expected = [['key.created', made.headers['x-request-id']]]
  for (const [action, method, at, body] of changes) expected.unshift([action, (await api.call(method, at, { token, body })).headers['x-request-id']])
  const found = await entries(`&keyId=${id}`)
  t.same(found.map(({ action, requestId }) => [action, requestId]), expected)
  for (const entry of found) t.match(entry, { keyId: id, actor: { kind: 'token', name: 'of the night job' }, address: '127.0.0.1', databaseRole: String })
  t.match(found.find(({ action }) => action === 'key.updated'), { keyName: 'two', before: { name: 'one', scopes: ['a'] }, after: { name: 'two', scopes: ['b'] } })
  t.match(found.find(({ action }) => action === 'key.created'), { keyPrefix: prefix, before: null, after: { name: 'one', scopes: ['a'] } })
  t.match(found.find(({ action }) => action === 'key.deleted'), { after: null, before: { name: 'two' } })
})

t.test("the environment's token goes by the variable's name", async t => {
  const { apiKey } = await api.create()
  t.match(await entries(`&keyId=${apiKey.id}`), [{ action: 'key.created', actor: { kind: 'token', name: 'LATCHKEY_ADMIN_TOKEN' } }])
})

t.test('what is refused, or rolled back, leaves none', async t => {
  const { apiKey: { id } } = await api.create({}, { 'idempotency-key': 'i' })
  const path = `/v1/keys/${id}`
  await api.call('POST', `${path}/revoke`)
  const before = await entries()
  await api.create({}, { 'idempotency-key': 'i' })
  const refused = [
    await api.call('PATCH', path, { body: { name: 'x' }, headers: { 'if-match': '"other"' } }),
    await api.call('DELETE', path, { headers: { 'if-match': '"other"' } }),
    await api.call('PATCH', path, { body: { name: '' } }),
    await api.call('POST', `${path}/enable`),
    await api.call('POST', `${path}/rotate`),
    await api.call('POST', '/v1/keys/999999/disable'),
    await api.call('POST', '/v1/keys', { body: { userId: 'ada@example.com', name: 'x', scopes: ['X'] } }),
  ]
  t.same(refused.map(({ status }) => status), [412, 412, 400, 409, 409, 404, 400])
  await pool.query(`
    create function public.test_refuses() returns trigger language plpgsql as $$ begin raise exception 'not now' using errcode = '53100'; end $$;
    create constraint trigger test_refuses after insert or update on api_keys initially deferred for each row execute function public.test_refuses()`)
  t.equal((await api.call('POST', '/v1/keys', { body: { userId: 'ada@example.com', name: 'x', scopes: [] } })).status, 503, 'at the commit')
  await pool.query('drop trigger test_refuses on api_keys')
  // Repeating a change that is made already is none, either.
  t.equal((await api.call('POST', `${path}/revoke`)).status, 200)
  t.equal((await api.call('PATCH', path, { body: { name: 'test' } })).status, 200)
  t.equal((await api.call('POST', `${path}/end-grace`)).status, 200)
  t.same(await entries(), before)
})

t.test('entries are found by action, actor, key and time', async t => {
  const all = await entries()
  const same = async (query: string, isWanted: (entry: any) => boolean) => {
    const wanted = all.filter(isWanted)
    t.ok(wanted.length > 0, query)
    t.same(await entries(query), wanted, query)
  }
  await same('&action=key.revoked', ({ action }) => action === 'key.revoked')
  await same(`&actor=${encodeURIComponent('of the night job')}`, ({ actor }) => actor.name === 'of the night job')
  await same('&action=key.revoked&actor=LATCHKEY_ADMIN_TOKEN', ({ action, actor }) => action === 'key.revoked' && actor.name === 'LATCHKEY_ADMIN_TOKEN')
  const { at } = all[Math.floor(all.length / 2)]!
  // The log's times are finer than those that are told.
  const nextMs = new Date(Date.parse(at) + 1).toISOString()
  await same(`&from=${nextMs}`, entry => entry.at >= nextMs)
  await same(`&to=${at}`, entry => entry.at < at)
  t.same(await entries('&actor=nobody'), [])
  t.equal((await entries('&action=token.created'))[0]!.after.token, 'of the night job')
})
