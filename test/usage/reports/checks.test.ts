import t from 'tap'
import { idleKeys } from '../../../src/usage/reports/idle-keys.ts'
import { errorReport, trafficReport, type TrafficFilter, type TrafficQuery } from '../../../src/usage/reports/traffic.ts'
import { unusedScopes, type UnusedScopesQuery } from '../../../src/usage/reports/unused-scopes.ts'
import { createDatabase } from '../../support/postgres.ts'

const { pool } = await createDatabase(t)
const period = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-02T00:00:00Z') }
const since = period.from
const judge: UnusedScopesQuery['judge'] = () => ({ needed: [], unneeded: [], wider: [], unknownRoutes: [] })
const isUsageError = (message: RegExp) => ({ name: 'UsageError', message })

t.test('a cursor that no report gave', async t => {
  const kinds: readonly [Partial<TrafficQuery>, unknown][] = [
    ...['1', 'Foo 12', '2026-02-31', '2026-03-01', '2026-02-31T00:00:00.000Z', '2026-03-01T00:00:00Z', '+012026-03-01T00:00:00.000Z', '0000-03-01T00:00:00.000Z', 'infinity', 1, null]
      .map((time): [Partial<TrafficQuery>, unknown] => [{ by: ['hour'] }, [time]]),
    ...[99999999999, 2147483648, -2147483649, 1.5, '200', null].map((status): [Partial<TrafficQuery>, unknown] => [{ by: ['status'] }, [1, status]]),
    ...[99999999999, '5'].map((statusClass): [Partial<TrafficQuery>, unknown] => [{ by: ['statusClass'] }, [1, statusClass]]),
    ...[1e300, 2 ** 53, '9999999999999999999', '-1', '0x1', ''].map((key): [Partial<TrafficQuery>, unknown] => [{ by: ['key'] }, [1, key]]),
    ...['a\0b', 1].map((route): [Partial<TrafficQuery>, unknown] => [{ by: ['route'] }, [1, route]]),
    ...['ada', '5f0c6f3e7d0a4f439a5e0f6d4c1f2b11'].map((user): [Partial<TrafficQuery>, unknown] => [{ by: ['user'] }, [1, user]]),
    ...['1', 0.5, null].map((requests): [Partial<TrafficQuery>, unknown] => [{ by: ['route'] }, [requests, 'read']]),
  ]
  for (const [more, values] of kinds) {
    const cursor = Buffer.from(JSON.stringify(values)).toString('base64url')
    await t.rejects(trafficReport(pool, { by: ['key'], ...period, ...more, cursor }), isUsageError(/cursor is not one of this report/), JSON.stringify([more.by, values]))
  }
  await t.rejects(trafficReport(pool, { by: ['key'], ...period, cursor: Buffer.from('[1e999,"1"]').toString('base64url') }), isUsageError(/cursor/))
  for (const afterId of [NaN, 1.5, 2 ** 53]) {
    await t.rejects(idleKeys(pool, { since, afterId }), isUsageError(/cursor/))
    await t.rejects(unusedScopes(pool, { since, judge, afterId }), isUsageError(/cursor/))
  }
})

t.test('a filter that nothing can match', async t => {
  const filters: readonly TrafficFilter[] = [
    { status: 99999999999 }, { status: 1.5 }, { status: NaN }, { statusClass: 99999999999 }, { keyId: 2 ** 53 }, { keyId: 0.5 }, { keyId: Infinity }, { route: 'a\0b' }, { userId: 'ada' },
  ]
  for (const filter of filters) {
    const [name = ''] = Object.keys(filter)
    const refused = isUsageError(new RegExp(`The filter's ${name} is none`))
    await t.rejects(trafficReport(pool, { by: ['key'], ...period, filter }), refused, JSON.stringify(filter))
    await t.rejects(errorReport(pool, { ...period, filter }), refused, JSON.stringify(filter))
    const { keyId, userId } = filter
    if (keyId !== undefined) await t.rejects(unusedScopes(pool, { since, judge, keyId }), refused)
    if (userId === undefined) continue
    await t.rejects(unusedScopes(pool, { since, judge, userId }), refused)
    await t.rejects(idleKeys(pool, { since, userId }), refused)
  }
})

t.test('a limit that is none, and no time', async t => {
  for (const limit of [0, -1, 1.5, NaN, 10_001]) {
    await t.rejects(trafficReport(pool, { by: ['key'], ...period, limit }), isUsageError(/1 to 10000 rows/))
    await t.rejects(errorReport(pool, { ...period, limit }), isUsageError(/1 to 10000 rows/))
    await t.rejects(idleKeys(pool, { since, limit }), isUsageError(/1 to 500 keys/))
    await t.rejects(unusedScopes(pool, { since, judge, limit }), isUsageError(/1 to 500 keys/))
  }
  await t.rejects(idleKeys(pool, { since: new Date(NaN) }), isUsageError(/time/))
  await t.rejects(unusedScopes(pool, { since: new Date(NaN), judge }), isUsageError(/time/))
})
