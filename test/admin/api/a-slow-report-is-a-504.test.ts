import t from 'tap'
import { apiErrorOf } from '../../../src/admin/api/failure.ts'
import { ReportTimeoutError, trafficReport } from '../../../src/usage/reports/traffic.ts'
import { createDatabase } from '../../support/postgres.ts'

const { pool } = await createDatabase(t)

t.test('a report that takes too long is no fault of the request', async t => {
  const holder = await pool.connect()
  t.teardown(() => holder.release(true))
  await holder.query('begin; lock table latchkey.usage_hourly in access exclusive mode')
  const period = { from: new Date(Date.now() - 86_400_000), to: new Date() }
  const failure = await trafficReport(pool, { ...period, by: ['hour'] }, { timeoutMs: 2_000 }).then(() => null, (err: unknown) => err)
  t.ok(failure instanceof ReportTimeoutError)
  t.equal(apiErrorOf(failure)?.code, 'report_timeout')
})

t.test('one that makes no sense is', async t => {
  const failure = await trafficReport(pool, { from: new Date(1), to: new Date(0), by: ['hour'] }).then(() => null, (err: unknown) => err)
  t.equal(apiErrorOf(failure)?.code, 'bad_request')
})
