import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { migrateDown, migrateUp } from '../../src/database/migrate.ts'
import { createDatabase } from '../support/postgres.ts'
import { catalogOf } from './catalog.ts'

const logger = pino({ level: 'silent' })

t.test('a migration that fails midway is as if it had never begun, and runs once mended', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const folder = await folderOf(t, {
    '001.do.good.sql': 'create table good (id integer)',
    '001.undo.good.sql': 'drop table good',
    '002.do.bad.sql': 'create table bad (id integer); insert into bad values (1); create table good (id integer);',
    '002.undo.bad.sql': 'drop table bad',
  })

  await t.rejects(migrateUp({ connectionString: url, logger, folder }), {
    message: 'Migration 002 (bad) failed, and nothing of it was kept: relation "good" already exists',
  })
  t.strictSame(await tablesAndVersions(), [['good', 'migrations'], ['1']])

  await writeFile(path.join(folder, '002.do.bad.sql'), 'create table bad (id integer)')
  t.strictSame(await migrateUp({ connectionString: url, logger, folder }), [{ version: 2, name: 'bad' }])
  t.strictSame(await tablesAndVersions(), [['bad', 'good', 'migrations'], ['1', '2']])

  async function tablesAndVersions () {
    const { rows: tables } = await pool.query("select tablename from pg_tables where schemaname in ('public', 'latchkey') order by 1")
    const { rows: versions } = await pool.query('select version from latchkey.migrations order by version')
    return [tables.map(({ tablename }) => tablename), versions.map(({ version }) => version)]
  }
})

t.test('a failing undo undoes nothing at all', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const folder = await folderOf(t, {
    '001.do.one.sql': 'create table one (id integer)',
    '001.undo.one.sql': 'drop table one; drop table never_there',
    '002.do.two.sql': 'create table two (id integer)',
    '002.undo.two.sql': 'drop table two',
  })
  await migrateUp({ connectionString: url, logger, folder })
  const before = await catalogOf(pool)
  await t.rejects(migrateDown({ connectionString: url, to: 0, folder }), { message: /^Undoing migration 001 \(one\) failed/ })
  t.strictSame(await catalogOf(pool), before)
})

t.test('a migration that was edited after it had run is reported', async (t) => {
  const { url } = await createDatabase(t, { migrated: false })
  const folder = await folderOf(t, { '001.do.one.sql': 'create table one (id integer)' })
  await migrateUp({ connectionString: url, logger, folder })
  await writeFile(path.join(folder, '001.do.one.sql'), 'create table one (id bigint)')
  await writeFile(path.join(folder, '002.do.two.sql'), 'create table two (id integer)')
  await t.rejects(migrateUp({ connectionString: url, logger, folder }), { name: 'UsageError', message: /changed after it had run.*\[1\]/ })
})

t.test('every migration of the product has an undo, and opens no transaction of its own', async (t) => {
  const folder = path.join(import.meta.dirname, '../../migrations')
  const { readdir } = await import('node:fs/promises')
  const files = await readdir(folder)
  for (const file of files) {
    t.match(file, /^\d{3}\.(do|undo)\.[a-z-]+\.sql$/)
    if (file.includes('.do.')) t.ok(files.includes(file.replace('.do.', '.undo.')), `undo of ${file}`)
    t.notMatch(await readFile(path.join(folder, file), 'utf8'), /^\s*(commit|rollback|begin;|start transaction)/im)
  }
})

async function folderOf (t: Test, files: Record<string, string>): Promise<string> {
  // A name that glob would take for a pattern.
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-[migrations]{a,b}-'))
  t.teardown(async () => await rm(folder, { recursive: true }))
  for (const [name, sql] of Object.entries(files)) await writeFile(path.join(folder, name), sql)
  return folder
}
