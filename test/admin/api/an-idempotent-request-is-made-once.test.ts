import { randomUUID } from 'node:crypto'
import t from 'tap'
import { until } from '../../support/until.ts'
import { holding } from './database-text.ts'
import { adminToken, type ApiKeyJson, startApi, tokenOf } from './support.ts'

const api = await startApi(t)
const { pool } = api.gateway.database
const body = { userId: 'ada@example.com', name: 'once', scopes: ['inventory:read'], expiresIn: '90d', metadata: { a: 1 } }

const create = async (name: string, options: { token?: string, body?: unknown } = {}) =>
  await api.call<{ key: string, apiKey: ApiKeyJson }>('POST', '/v1/keys', { body, ...options, headers: { 'idempotency-key': name } })
const rotate = async (id: number, name: string, body: unknown = {}) =>
  await api.call<{ key: string, apiKey: ApiKeyJson }>('POST', `/v1/keys/${id}/rotate`, { body, headers: { 'idempotency-key': name } })
const countKeys = async () => Number((await pool.query('select count(*) from api_keys')).rows[0].count)

t.test('a repeat makes no second key and gets the first one\'s answer', async t => {
  const before = await countKeys()
  const first = await create('a')
  t.equal(first.status, 201)
  await api.call('PATCH', `/v1/keys/${first.body.apiKey.id}`, { body: { name: 'changed since' } })
  for (let i = 0; i < 3; i++) {
    const again = await create('a')
    t.equal(again.status, 201)
    t.equal(again.text, first.text, 'to the byte')
    t.same([again.headers['etag'], again.headers['location']], [first.headers['etag'], first.headers['location']])
  }
  t.equal(await countKeys(), before + 1)
})

t.test('twenty at once make one key', async t => {
  const before = await countKeys()
  const answers = await Promise.all(Array.from({ length: 20 }, () => create('twenty')))
  t.same([...new Set(answers.map(({ status }) => status))], [201])
  t.equal(new Set(answers.map(({ text }) => text)).size, 1)
  t.equal(await countKeys(), before + 1)
})

t.test('another request under the same name is refused', async t => {
  const before = await countKeys()
  await create('reused')
  for (const other of [{ ...body, name: 'other' }, { ...body, scopes: [] }, { ...body, metadata: { a: 2 } }, { ...body, expiresIn: '91d' }]) {
    const { status, code } = await create('reused', { body: other })
    t.same([status, code], [422, 'idempotency_key_reused'])
  }
  const { body: { apiKey } } = await create('reused')
  t.equal((await rotate(apiKey.id, 'reused')).code, 'idempotency_key_reused', 'of another operation, too')
  t.equal(await countKeys(), before + 1)
})

t.test('what differs in nothing but the order of its members is no other request', async t => {
  const { name, ...rest } = body
  t.equal((await create('order', { body: { ...rest, name } })).text, (await create('order')).text)
})

t.test('of two tokens, each has its own', async t => {
  const [one, other] = [await create('shared'), await create('shared', { token: await tokenOf(api, 'write') })]
  t.equal(other.status, 201)
  t.not(one.body.apiKey.id, other.body.apiKey.id)
  t.not(one.body.key, other.body.key)
})

t.test('after a first one that failed, the next is made', async t => {
  await pool.query(`
    create function public.test_refuses() returns trigger language plpgsql as $$ begin raise exception 'no space' using errcode = '53100'; end $$;
    create trigger test_refuses before insert or update on api_keys for each row execute function public.test_refuses()`)
  t.equal((await create('failed')).code, 'key_store_unavailable')
  await pool.query('drop trigger test_refuses on api_keys')
  t.equal((await create('failed')).status, 201)

  t.equal((await create('faulty', { body: { ...body, environment: 'none' } })).status, 400)
  t.equal((await create('faulty')).status, 201, 'what was faulty counts as nothing')
})

t.test('a rotation as well', async t => {
  const { apiKey: { id } } = await api.create()
  const answers = await Promise.all(Array.from({ length: 20 }, () => rotate(id, 'r', { gracePeriod: '1h' })))
  t.same([...new Set(answers.map(({ status }) => status))], [200])
  t.equal(new Set(answers.map(({ text }) => text)).size, 1)
  t.equal((await api.call('GET', `/v1/keys/${id}`)).body.earlierSecrets.length, 1)
  t.equal((await rotate(id, 'r', { gracePeriod: '2h' })).code, 'idempotency_key_reused')
  t.equal((await rotate((await api.create()).apiKey.id, 'r', { gracePeriod: '1h' })).code, 'idempotency_key_reused')
  t.equal((await rotate(id, 'r', { gracePeriod: '60m' })).text, answers[0]!.text, 'an hour is an hour')
  await api.call('POST', `/v1/keys/${id}/revoke`)
  t.equal((await rotate(id, 'r', { gracePeriod: '1h' })).text, answers[0]!.text, 'whatever became of the key')
  t.equal((await rotate(id, 'r2')).code, 'key_is_revoked')
})

t.test('a repeat gets its answer though the request would be refused by now', async t => {
  const expiring = { ...body, expiresIn: undefined, expiresAt: new Date(Date.now() + 2_000).toISOString() }
  const first = await create('expiring', { body: expiring })
  t.equal(first.status, 201)
  await until(() => Date.now() > Date.parse(expiring.expiresAt), 'the expiry has passed')
  const again = await create('expiring', { body: expiring })
  t.equal(again.status, 201)
  t.equal(again.text, first.text)
  t.match(await create('expiring-since', { body: expiring }), { status: 400, body: { errors: [{ field: 'expiresAt' }] } }, 'a first one is refused')

  const { apiKey: { id } } = await api.create()
  const rotated = await rotate(id, 'deleted')
  await api.call('DELETE', `/v1/keys/${id}`)
  const repeated = await rotate(id, 'deleted')
  t.equal(repeated.status, 200)
  t.equal(repeated.text, rotated.text)
  t.equal((await rotate(id, 'deleted-since')).code, 'key_not_found', 'a first one finds none')
})

t.test('without a name, each is another', async t => {
  const before = await countKeys()
  await Promise.all([api.create(), api.create()])
  t.equal(await countKeys(), before + 2)
})

t.test('the database holds neither the key nor the token nor the name', async t => {
  const name = randomUUID()
  const { body: { key, apiKey } } = await create(name)
  const { body: rotated } = await rotate(apiKey.id, `${name}-r`)
  t.equal(Number((await pool.query('select count(*) from latchkey.idempotent_requests where answer is null')).rows[0].count), 0)
  for (const secret of [key, rotated.key, adminToken, name]) t.same(await holding(pool, secret), [], secret)
  t.not((await holding(pool, apiKey.userId)).length, 0, 'what is there is found')
})

t.test('a day later, it is forgotten', async t => {
  const first = await create('yesterday')
  await pool.query("update latchkey.idempotent_requests set created_at = now() - interval '23 hours 59 minutes'")
  t.equal((await create('yesterday')).text, first.text)
  await pool.query("update latchkey.idempotent_requests set created_at = now() - interval '1 day 1 minute'")
  const second = await create('yesterday')
  t.not(second.body.apiKey.id, first.body.apiKey.id)
  t.equal(Number((await pool.query('select count(*) from latchkey.idempotent_requests')).rows[0].count), 1)
})
