import t from 'tap'
import { until } from '../../support/until.ts'
import { startApi, tokenOf } from './support.ts'

const api = await startApi(t)
const { pool } = api.gateway.database
// One of the database's, which costs a look-up as well.
const token = await tokenOf(api, 'write')

const waiting = async (applicationName: string) => Number((await pool.query(
  "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", [applicationName])).rows[0].count)

t.test('changes of a key that somebody has locked end by themselves, and meanwhile another key is revoked', async t => {
  const [{ apiKey: locked }, { apiKey: other }] = [await api.create(), await api.create()]
  const holder = await pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from api_keys where id = $1 for update', [locked.id])
    const pending = Promise.all(Array.from({ length: 4 }, async () => await api.call('PATCH', `/v1/keys/${locked.id}`, { token, body: { name: 'two' } })))
    await until(async () => await waiting('latchkey admin') > 1, 'changes wait for the row')
    t.match(await api.call('POST', `/v1/keys/${other.id}/revoke`, { token }), { status: 200, body: { status: 'revoked' } })
    for (const { status, code, headers } of await pending) t.same([status, code, headers['retry-after']], [503, 'key_store_unavailable', '1'])
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  t.match(await api.call('PATCH', `/v1/keys/${locked.id}`, { token, body: { name: 'three' } }), { status: 200, body: { name: 'three' } }, 'nothing is left of them')
})

t.test('while overviews wait, a key is revoked', async t => {
  const { apiKey } = await api.create()
  const holder = await pool.connect()
  try {
    await holder.query('begin; lock table latchkey.usage_hourly in access exclusive mode')
    const overviews = Promise.all(['/v1/usage/summary', '/v1/usage/summary', '/v1/usage/summary'].map(async path => await api.call('GET', path, { token })))
    await until(async () => await waiting('latchkey reports') === 2, 'overviews wait')
    t.equal((await api.call('POST', `/v1/keys/${apiKey.id}/revoke`, { token })).status, 200)
    t.equal(await waiting('latchkey admin'), 0)
    await holder.query('rollback')
    t.same((await overviews).map(({ status }) => status), [200, 200, 200])
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})

t.test('an overview takes one connection', async t => {
  const holder = await pool.connect()
  try {
    await holder.query('begin; lock table latchkey.usage_hourly in access exclusive mode')
    const overview = api.call('GET', '/v1/usage/summary')
    await until(async () => await waiting('latchkey reports') === 1, 'the overview waits')
    const { status } = await api.call('GET', '/v1/audit')
    t.equal(status, 200, 'and leaves the other one to the audit log')
    t.equal(await waiting('latchkey reports'), 1)
    await holder.query('rollback')
    t.equal((await overview).status, 200)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})
