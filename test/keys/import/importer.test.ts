import { randomUUID } from 'node:crypto'
import t from 'tap'
import { objectRows } from '../../../src/keys/import/turns.ts'
import { UnreadableSourceError } from '../../../src/keys/import/faults.ts'
import type { SourceRow } from '../../../src/keys/import/source-row.ts'
import { createDatabase } from '../../support/postgres.ts'
import { importRows, madeUpHash, refusalOf, row } from './support.ts'

const keysIn = async ({ pool }: Awaited<ReturnType<typeof createDatabase>>) =>
  (await pool.query('select k.*, email from api_keys as k join auth.users as u on u.id = user_id order by k.id')).rows

t.test('every column arrives as it was given', async (t) => {
  const database = await createDatabase(t)
  const full = row({
    userId: randomUUID(),
    description: 'why',
    environment: 'test',
    expiresAt: '2001-02-03T04:05:06.789012Z',
    isActive: false,
    createdAt: '1999-01-01T00:00:00Z',
    lastUsedAt: '2000-01-01T00:00:00Z',
    metadata: { team: 'a', list: [1, null] },
    scopes: [],
  })
  const plain = row({ keyPrefix: 'sk_live_a1B2...', scopes: ['a:b', '*'] })
  const revoked = row({ revokedAt: '2001-01-01T00:00:00Z' })
  t.match(await importRows(database, [full, plain, revoked]), { imported: 3, skipped: 0, dryRun: false, faults: [], moreFaults: 0 })
  const [one, two, three] = await keysIn(database)
  t.match(one, {
    user_id: full.userId,
    email: null,
    key_hash: full.keyHash,
    key_prefix: 'acme_a1b2',
    name: 'Reporting',
    description: 'why',
    environment: 'test',
    scopes: [],
    is_active: false,
    created_at: new Date('1999-01-01'),
    last_used_at: new Date('2000-01-01'),
    revoked_at: null,
    key_lookup: null,
    pepper_id: null,
    latchkey_metadata: { team: 'a', list: [1, null] },
  })
  const { rows: [{ microseconds }] } = await database.pool.query('select extract(microseconds from expires_at)::int as microseconds from api_keys where id = $1', [one.id])
  t.equal(microseconds, 6_789_012)
  t.match(two, { email: 'ada@example.com', key_prefix: 'sk_live_a1B2...', environment: 'live', scopes: ['a:b', '*'], is_active: true, created_at: Date, latchkey_metadata: null, expires_at: null })
  t.match(three, { is_active: false, revoked_at: new Date('2001-01-01'), user_id: two.user_id })
})

t.test('all or nothing', async (t) => {
  const database = await createDatabase(t)
  const rows = [row(), row({ scopes: ['NO'] }), row(), row({ keyHash: 'x', name: '' })]
  t.match(await refusalOf(importRows(database, rows)), [/^1 scopes\.0: /, /^3 keyHash: /, /^3 name: /])
  await t.rejects(importRows(database, rows), { message: 'Nothing was imported: 2 of 4 rows have faults', rows: 2, moreFaults: 0 })
  t.equal((await keysIn(database)).length, 0)
  t.equal((await database.pool.query('select from auth.users')).rowCount, 0, 'not even a user')
})

t.test('the rows without faults', async (t) => {
  const database = await createDatabase(t)
  const result = await importRows(database, [row({ name: 'a' }), row({ scopes: ['NO'] }), 7, row({ name: 'b' })], { skipFaulty: true })
  t.match(result, { imported: 2, skipped: 2, faults: [{ line: 1, field: 'scopes.0' }, { line: 2, field: '' }] })
  t.strictSame((await keysIn(database)).map(({ name }) => name), ['a', 'b'])
})

t.test('a dry run says the same, and changes nothing', async (t) => {
  const database = await createDatabase(t)
  const rows = [row(), row()]
  const dry = await importRows(database, rows, { dryRun: true })
  t.equal((await keysIn(database)).length, 0)
  t.equal((await database.pool.query('select from latchkey.audit')).rowCount, 0)
  t.equal((await database.pool.query('select from auth.users')).rowCount, 0)
  t.strictSame({ ...await importRows(database, rows), dryRun: true }, dry)
  t.match(await refusalOf(importRows(database, rows, { dryRun: true })), [/^0 keyHash: is that of a key that is there already/, /^1 keyHash/])
})

t.test('an import that is run again imports nothing twice, and with skipFaulty the rest', async (t) => {
  const database = await createDatabase(t)
  const rows = [row(), row()]
  await importRows(database, rows)
  t.equal((await refusalOf(importRows(database, rows))).length, 2)
  t.match(await importRows(database, [...rows, row({ name: 'new' })], { skipFaulty: true }), { imported: 1, skipped: 2 })
  t.equal((await keysIn(database)).length, 3)
})

t.test('one secret has one key: hashes that differ in their variant’s name only are the same, and so are replaced ones', async (t) => {
  const database = await createDatabase(t)
  const [a, b] = [madeUpHash('2a'), madeUpHash('2b')]
  const y = a.replace('$2a', '$2y')
  t.match(await refusalOf(importRows(database, [row({ keyHash: a }), row({ keyHash: b }), row({ keyHash: y })])), ['2 keyHash: is the same as in line 0'])
  await importRows(database, [row({ keyHash: y })])
  t.match(await refusalOf(importRows(database, [row({ keyHash: a })])), [/there already/])
  await database.pool.query('insert into latchkey.earlier_secrets (api_key_id, key_hash, key_prefix, expires_at) select id, $1, key_prefix, now() from api_keys', [b])
  t.match(await refusalOf(importRows(database, [row({ keyHash: b })])), [/there already/], 'a rotation has replaced it')
})

t.test('two imports of one file at once import it once', async (t) => {
  const database = await createDatabase(t)
  const rows = [row(), row(), row()]
  const results = await Promise.allSettled([1, 2, 3].map(() => importRows(database, rows)))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal((await keysIn(database)).length, 3)
})

t.test('users by email in any case and by id, found or added, each once', async (t) => {
  const database = await createDatabase(t)
  await database.pool.query("insert into auth.users (email) values ('Ada@example.com')")
  const id = randomUUID()
  await importRows(database, ['ada@EXAMPLE.com', 'bob@example.com', 'BOB@example.com', id, id.toUpperCase()].map((userId) => row({ userId })))
  const rows = await keysIn(database)
  t.strictSame(rows.map(({ email }) => email?.toLowerCase()), ['ada@example.com', 'bob@example.com', 'bob@example.com', undefined, undefined])
  t.equal(new Set(rows.map((key) => key.user_id)).size, 3)
  t.equal((await database.pool.query('select from auth.users')).rowCount, 3)
})

t.test('more rows than a batch has, in their order, with one entry of the audit log each', async (t) => {
  const database = await createDatabase(t)
  const rows = Array.from({ length: 4_500 }, (_, i) => row({ name: `key ${i}`, userId: `user${i % 7}@example.com` }))
  rows[4_400] = row({ ...rows[4_400], keyHash: rows[3]?.keyHash })
  t.match(await refusalOf(importRows(database, rows)), ['4400 keyHash: is the same as in line 3'])
  t.equal((await keysIn(database)).length, 0)
  const actor = { kind: 'token', name: 'ci', address: '192.0.2.7', requestId: 'r1' } as const
  t.match(await importRows(database, rows, { skipFaulty: true, actor }), { imported: 4_499, skipped: 1 })
  t.strictSame((await keysIn(database)).map(({ name }) => name), rows.filter((_, i) => i !== 4_400).map(({ name }) => name))
  const { rows: entries } = await database.pool.query('select distinct action, actor_kind, actor_name, host(address) as address, request_id from latchkey.audit')
  t.strictSame(entries, [{ action: 'key.created', actor_kind: 'token', actor_name: 'ci', address: '192.0.2.7', request_id: 'r1' }])
  t.equal((await database.pool.query('select from latchkey.audit')).rowCount, 4_499)
})

t.test('a thousand faults are told, and how many more there are', async (t) => {
  const database = await createDatabase(t)
  const rows = Array.from({ length: 1_300 }, () => row({ scopes: ['A'] }))
  await t.rejects(importRows(database, rows), { message: 'Nothing was imported: 1300 of 1300 rows have faults', rows: 1_300, moreFaults: 300 })
  t.equal((await refusalOf(importRows(database, rows))).length, 1_000)
})

t.test('what can’t be read to its end is refused, whatever was asked', async (t) => {
  const database = await createDatabase(t)
  async function * broken (): AsyncGenerator<readonly SourceRow[]> {
    yield * objectRows([row()])
    throw new UnreadableSourceError([{ line: 2, field: '', detail: 'not UTF-8' }])
  }
  t.strictSame(await refusalOf(importRows(database, broken(), { skipFaulty: true })), ['2 : not UTF-8'])
  async function * failing (): AsyncGenerator<readonly SourceRow[]> {
    yield * objectRows([row()])
    throw new Error('EIO')
  }
  await t.rejects(importRows(database, failing(), { skipFaulty: true }), { message: 'EIO' })
  t.equal((await keysIn(database)).length, 0)
})

t.test('a row that the table itself refuses is told by its line, and the others arrive', async (t) => {
  const database = await createDatabase(t)
  await database.pool.query("alter table api_keys alter key_prefix type varchar(12), add constraint no_evil check (name <> 'evil')")
  const rows = [row(), row({ name: 'evil' }), row(), row({ keyPrefix: 'acme_a1b2c3d4' }), row()]
  t.strictSame(await refusalOf(importRows(database, rows)), [
    '1 : the database refuses it (SQLSTATE 23514, constraint no_evil)',
    '3 : a value is longer than its column in this database',
  ])
  t.match(await importRows(database, rows, { skipFaulty: true }), { imported: 3, skipped: 2 })
})

t.test('more rows than are admitted are refused, and those before them not imported', async (t) => {
  const database = await createDatabase(t)
  t.strictSame(await refusalOf(importRows(database, [row(), row(), row()], { rowsMax: 2, skipFaulty: true })), ['2 : there are more than 2 rows: import them in parts'])
  t.equal((await keysIn(database)).length, 0)
  t.match(await importRows(database, [row(), row()], { rowsMax: 2 }), { imported: 2 })
})

t.test('an import that was given up imports nothing, even when all rows are read', async (t) => {
  const database = await createDatabase(t)
  const givenUp = new AbortController()
  async function * source (): AsyncGenerator<readonly SourceRow[]> {
    yield * objectRows([row()])
    givenUp.abort(new Error('gone'))
  }
  await t.rejects(importRows(database, source(), { signal: givenUp.signal }), { message: 'gone' })
  t.equal((await keysIn(database)).length, 0)
})
