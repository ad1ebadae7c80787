import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import type { Test } from 'tap'
import { runFile, templates, type TestRun } from './run.ts'

export interface TestDatabase {
  readonly url: string
  /** A few connections for the test's own queries. */
  readonly pool: pg.Pool
}

/**
 * A database of its own for the calling test, cloned from the migrated template or, with `migrated: false`, empty.
 * It is dropped, whoever is still connected, and its pool closed when the test ends.
 */
export async function createDatabase (t: Pick<Test, 'teardown'>, { migrated = true } = {}): Promise<TestDatabase> {
  const adminUrl = await serverUrl()
  const name = `test_${randomBytes(8).toString('hex')}`
  await createFrom(adminUrl, name, migrated ? templates.migrated : templates.empty)

  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 5 })
  // Tests cut connections on purpose; the pool replaces them by itself.
  pool.on('error', () => {})
  t.teardown(async () => {
    await pool.end()
    await asAdmin(adminUrl, `drop database if exists ${name} with (force)`)
  })
  return { url: url.href, pool }
}

/** Superuser's URL of the run's server, its maintenance database. */
export async function serverUrl (): Promise<string> {
  const text = await readFile(runFile(), 'utf8').catch(() => {
    throw new Error('No PostgreSQL of this run: start tests with `npx tap`.')
  })
  return (JSON.parse(text) as TestRun).adminUrl
}

const triesMax = 50

async function createFrom (adminUrl: string, name: string, template: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await asAdmin(adminUrl, `create database ${name} template ${template}`)
    } catch (err) {
      // object_in_use: somebody is connected to the template. Postgres itself waits 5 s for them before it says so.
      if (!(err instanceof pg.DatabaseError) || err.code !== '55006' || tries === triesMax) throw err
    }
  }
}

async function asAdmin (adminUrl: string, statement: string): Promise<void> {
  const admin = new pg.Client(adminUrl)
  await admin.connect()
  try {
    await admin.query(statement)
  } finally {
    await admin.end()
  }
}
