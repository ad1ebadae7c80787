import t from 'tap'
import { partitionUsage } from '../../../src/database/partitioning/index.ts'
import { createPlainUsage } from '../../database/partitioning/plain-usage.ts'
import { createDatabase } from '../../support/postgres.ts'
import { countRows, createKeys, postgresStore, rowOf, startRecorder } from '../support.ts'

t.test('a row keeps all that was recorded', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const createdAtMs = Date.UTC(2025, 10, 22, 13, 14, 15, 678)
  recorder.record(rowOf(keyId, {
    route: 'write-inventory',
    endpoint: '/inventory/"quoted",{braced}\\ ' + '😀'.repeat(300),
    method: 'PROPPATCHES!',
    statusCode: 499,
    ipAddress: '::ffff:192.0.2.7',
    userAgent: 'agent/1.0\0 (NULL)',
    responseTimeMs: 12.4,
    createdAtMs,
    requestId: 'the-request',
  }))
  recorder.record(rowOf(keyId, { ipAddress: 'nonsense', userAgent: null, requestId: 'bare' }))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 2, written: 2, dropped: 0, waiting: 0 })
  const { rows } = await pool.query<Record<string, unknown>>(`
    select api_key_id, route, endpoint, method, status_code, host(ip_address) as ip, user_agent, response_time_ms, created_at, request_id
    from api_key_usage order by id`)
  t.same(rows[0], {
    api_key_id: keyId,
    route: 'write-inventory',
    endpoint: ('/inventory/"quoted",{braced}\\ ' + '😀'.repeat(300)).slice(0, 30) + '😀'.repeat(225),
    method: 'PROPPATCHE',
    status_code: 499,
    ip: '192.0.2.7',
    user_agent: 'agent/1.0 (NULL)',
    response_time_ms: 12,
    created_at: new Date(createdAtMs),
    request_id: 'the-request',
  })
  t.match(rows[1], { ip: null, user_agent: null, request_id: 'bare' })
})

const odd = [
  '', ' ', '\t', '\n', '\r\n', '\\', '\\N', '\\\\x', '"', "'", '{}', '{a,"b"}', ',', '|', '(,)', 'null', 'NULL', '\x01\x02\x1e\x1f\x7f', '\x80\x9f', '%', '%00', '$1',
  'ä', 'ß€', '日本', '\u2028', '\ufeff', '\uffff', '😀', 'é'.normalize('NFD'), 'x'.repeat(120),
]

t.test('every character is stored as it came', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  for (const text of odd) recorder.record(rowOf(keyId, { endpoint: text, userAgent: text, requestId: text, method: text.slice(0, 5) }))
  recorder.record(rowOf(keyId, { endpoint: '', userAgent: null, requestId: '', method: '' }))
  await recorder.flush()
  t.match(recorder.stats(), { written: odd.length + 1, dropped: 0, waiting: 0 })
  const { rows } = await pool.query('select endpoint, user_agent, request_id, method from api_key_usage order by id')
  t.same(rows, [
    ...odd.map((text) => ({ endpoint: text, user_agent: text, request_id: text, method: text.slice(0, 5) })),
    { endpoint: '', user_agent: null, request_id: '', method: '' },
  ])
})

t.test('what Postgres can not hold is left out or replaced', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  // The halves of a pair, each alone at the end of one text and at the beginning of the next.
  recorder.record(rowOf(keyId, { endpoint: '/\0a\ud83d', method: '\ude00\ud83d', userAgent: '\ude00', requestId: '\0' }))
  recorder.record(rowOf(keyId, { endpoint: '😀'.repeat(254) + 'x😀', method: '😀'.repeat(11), userAgent: `\ud83d${'😀'.repeat(512)}` }))
  await recorder.flush()
  t.match(recorder.stats(), { written: 2, dropped: 0, waiting: 0 })
  const { rows } = await pool.query('select endpoint, user_agent, method from api_key_usage order by id')
  t.same(rows, [
    { endpoint: '/a\ufffd', method: '\ufffd\ufffd', user_agent: '\ufffd' },
    { endpoint: '😀'.repeat(254) + 'x', method: '😀'.repeat(10), user_agent: '\ufffd' + '😀'.repeat(511) },
  ])
})

t.test('long rows make smaller batches, and are all written', async (t) => {
  const { url, pool } = await createDatabase(t)
  const keys = await createKeys(pool, 7)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  const texts = { endpoint: '/'.padEnd(1000, 'e'), userAgent: '日'.repeat(1000) }
  for (let i = 0; i < 1000; i++) recorder.record(rowOf(keys[i % 7]!, { ...texts, requestId: `${i}:`.padEnd(300, 'ü') }))
  recorder.record(rowOf(keys[0]!, { route: 'x'.repeat(50_000) }))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1001, written: 1000, dropped: 1, waiting: 0 })
  const { rows } = await pool.query(`
    select count(distinct request_id)::int as requests, min(length(endpoint)) as endpoint, min(length(user_agent)) as agent, min(length(request_id)) as request,
      (select count(*)::int > 1 from latchkey.usage_batches) as "inSeveral"
    from api_key_usage`)
  t.same(rows, [{ requests: 1000, endpoint: 255, agent: 512, request: 128, inSeveral: true }])
  const { rows: perKey } = await pool.query('select api_key_id as id, count(*)::int as rows from api_key_usage group by 1 order by 1')
  t.same(perKey.map(({ id }) => id), keys)
  t.ok(perKey.every(({ rows }) => rows === 142 || rows === 143))
})

t.test('rows of a key that was deleted meanwhile are dropped, the others written', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [kept = 0, deleted = 0] = await createKeys(pool, 2)
  const { recorder, lines } = startRecorder(t, { store: postgresStore(t, url) })
  for (let i = 0; i < 10; i++) recorder.record(rowOf(i % 2 === 0 ? kept : deleted))
  await pool.query('delete from api_keys where id = $1', [deleted])
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 10, written: 5, dropped: 5, waiting: 0 })
  t.equal(await countRows(pool), 5)
  t.match(lines.filter(({ reason }) => reason === 'key deleted'), [{ rows: 5 }])
})

t.test('rows that Postgres refuses are dropped alone', async (t) => {
  const { url, pool } = await createDatabase(t)
  const [keyId = 0] = await createKeys(pool, 1)
  await pool.query("alter table api_key_usage add check (endpoint not like '/poison%')")
  const { recorder } = startRecorder(t, { store: postgresStore(t, url), flushRows: 100 })
  const poisoned = new Set([0, 37, 38, 99, 150])
  for (let i = 0; i < 200; i++) {
    // Of different lengths, and not all of one byte a character.
    const rest = `${i}/${'ü'.repeat(i % 11)}`
    recorder.record(rowOf(keyId, { endpoint: poisoned.has(i) ? `/poison/${rest}` : `/good/${rest}`, userAgent: i % 3 === 0 ? null : 'x'.repeat(i) }))
  }
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 200, written: 195, dropped: 5, waiting: 0 })
  const { rows } = await pool.query("select split_part(endpoint, '/', 3)::int as i, length(user_agent) as agent from api_key_usage order by 1")
  t.same(rows, Array.from({ length: 200 }, (_, i) => ({ i, agent: i % 3 === 0 ? null : i })).filter(({ i }) => !poisoned.has(i)))
})

t.test('a used-up id sequence, of a table that is not partitioned yet, drops nothing', async (t) => {
  const { url, pool, keyIds: [keyId = 0] } = await createPlainUsage(t)
  await pool.query("select setval('api_key_usage_id_seq', 2147483647)")
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  recorder.record(rowOf(keyId))
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1, written: 0, dropped: 0, waiting: 1 })
  await partitionUsage({ connectionString: url })
  await recorder.flush()
  t.match(recorder.stats(), { recorded: 1, written: 1, dropped: 0, waiting: 0 })
})

t.test('batch ids that are very old are pruned', async (t) => {
  const { url, pool } = await createDatabase(t)
  await pool.query(`
    insert into latchkey.usage_batches (batch_id, written_at)
    values (gen_random_uuid(), now() - interval '401 days'), (gen_random_uuid(), now() - interval '399 days')`)
  const [keyId = 0] = await createKeys(pool, 1)
  const { recorder } = startRecorder(t, { store: postgresStore(t, url) })
  recorder.record(rowOf(keyId))
  await recorder.flush()
  const { rows } = await pool.query("select count(*)::int as ids, min(written_at) > now() - interval '400 days' as young from latchkey.usage_batches")
  t.same(rows, [{ ids: 2, young: true }])
})
