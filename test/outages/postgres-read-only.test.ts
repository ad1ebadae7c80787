import t from 'tap'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { usageBooks, unwritten } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import { startLoad } from './load.ts'

t.test('Postgres serves only reads: keys are looked up, and usage waits', async t => {
  const postgres = await startOwnPostgres(t)
  const load = await startLoad(t, { database: postgres })
  const { apiKey, key } = await load.gateway.createKey()
  await postgres.pool.query('update api_keys set key_lookup = null, pepper_id = null where id = $1', [apiKey.id])
  await postgres.setReadOnly(true)
  await until(() => load.gateway.logs.some(line => line.includes('usage could not be written')), 'it is noticed')
  t.equal((await load.use(key)).status, 200, 'a key whose digest can\'t be written')
  await until(async () => unwritten(await usageBooks(load.gateway.adminUrl)) >= 100, 'usage waits')
  await postgres.setReadOnly(false)
  await load.recovers()
  await load.ends()
  const { rows: [stored] } = await postgres.pool.query('select last_used_at is not null as is_used from api_keys where id = $1', [apiKey.id])
  t.same(stored, { is_used: true })
})
