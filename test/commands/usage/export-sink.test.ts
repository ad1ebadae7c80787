import { appendFileSync, linkSync, readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import t from 'tap'
import { openSink } from '../../../src/commands/usage/export-sink.ts'
import { ndjson } from '../../../src/usage/export/ndjson.ts'
import { createDatabase } from '../../support/postgres.ts'
import { aRow } from '../../usage/export/support.ts'

const { url, pool } = await createDatabase(t)
const folder = t.testdir()
const line = (id: number): string => ndjson.lineOf({ ...aRow, id, userAgent: 'Zoë' })
const open = async (file: string) => await openSink(pool, { output: file, resume: true, header: true }, ndjson)

t.test('one export at a time has a file, under whichever name', async t => {
  const file = path.join(folder, 'usage')
  const first = await open(file)
  const other = path.join(folder, 'other')
  linkSync(file, other)
  for (const name of [file, other]) await t.rejects(open(name), { name: 'UsageError', message: /Another export is writing to/ })
  await (await open(path.join(folder, 'another'))).close()
  await first.write(line(1))
  await first.write(line(2))
  await first.close()
  const next = await open(other)
  t.equal(next.lastId, 2)
  await next.write(line(3))
  await next.close()
  t.equal(readFileSync(file, 'utf8'), line(1) + line(2) + line(3))
})

t.test('a file that somebody else has written to gets no more', async t => {
  const file = path.join(folder, 'shared')
  const sink = await open(file)
  await sink.write(line(1))
  appendFileSync(file, line(2))
  await t.rejects(sink.write(line(2)), { name: 'UsageError', message: /Somebody else has written to .*shared/ })
  await sink.close()
  t.equal(readFileSync(file, 'utf8'), line(1) + line(2))
})

t.test('nor does one whose lock was lost', async t => {
  const file = path.join(folder, 'lost')
  const single = new pg.Pool({ connectionString: url, max: 1 })
  // Its database may be dropped while a connection is still closing.
  single.on('error', () => {})
  t.teardown(() => single.end())
  single.on('connect', client => client.on('error', () => {}))
  const sink = await openSink(single, { output: file, header: true }, ndjson)
  const lost = new Promise(resolve => single.once('remove', resolve))
  await pool.query("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())")
  for (let isLost = false; !isLost;) isLost = await sink.write(line(1)).then(() => false, err => /Lost the connection/.test(String(err)))
  await sink.close()
  await lost
})
