import net from 'node:net'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import t from 'tap'
import { pendingMigrations } from '../../src/database/migrate.ts'
import { UsageError } from '../../src/errors.ts'
import { isRowRefused, isStoreUnavailable, sqlState } from '../../src/database/sqlstate.ts'
import { createDatabase, serverUrl } from '../support/postgres.ts'
import { addUser } from './rows.ts'

t.test('errors of Postgres are told apart by their SQLSTATE', async (t) => {
  const { pool } = await createDatabase(t)
  const user = await addUser(pool)
  const insert = (values: string) => `insert into api_keys (user_id, key_hash, key_prefix, name) values ${values}`
  const cases: [statement: string, state: string, isUnavailable: boolean, isRefused: boolean][] = [
    ["select 'x'::integer", '22P02', false, true],
    ['select 1 / 0', '22012', false, true],
    [insert(`('${user}', 'h', repeat('x', 21), 'n')`), '22001', false, true],
    [insert(`('${user}', null, 'p', 'n')`), '23502', false, true],
    [insert("(gen_random_uuid(), 'h', 'p', 'n')"), '23503', false, true],
    ['select * from no_such_table', '42P01', false, false],
    ['nonsense', '42601', false, false],
    ['begin; set transaction read only; delete from api_keys', '25006', true, false],
    ["set statement_timeout = '10ms'; select pg_sleep(60)", '57014', true, false],
    ['select pg_terminate_backend(pg_backend_pid())', '57P01', true, false],
  ]
  for (const [statement, state, isUnavailable, isRefused] of cases) {
    const client = await pool.connect()
    const err = await client.query(statement).then(() => null, (reason: unknown) => reason)
    client.release(true)
    t.strictSame([sqlState(err), isStoreUnavailable(err), isRowRefused(err)], [state, isUnavailable, isRefused], statement)
  }
})

t.test('what keeps a connection from being made is unavailability', async (t) => {
  const url = new URL(await serverUrl())
  const wrongPassword = new URL(url)
  wrongPassword.password = 'wrong'
  const wrongDatabase = new URL(url)
  wrongDatabase.pathname = '/no_such_database'
  const closedPort = await freedPort()

  // Accepts and hangs up, as a proxy does whose database is away.
  const hangingUp = net.createServer((socket) => socket.destroy())
  // Accepts and says nothing.
  const silent = net.createServer()
  for (const server of [hangingUp, silent]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => [hangingUp, silent].map((server) => server.close()))

  const targets = {
    'a wrong password': wrongPassword.href,
    'a missing database': wrongDatabase.href,
    'a closed port': `postgres://u:p@127.0.0.1:${closedPort}/d`,
    'a closed port on every address': `postgres://u:p@localhost:${closedPort}/d`,
    'a missing socket': 'postgres:///d?host=/nonexistent',
    'a server that hangs up': `postgres://u:p@127.0.0.1:${(hangingUp.address() as AddressInfo).port}/d`,
    'a server that says nothing': `postgres://u:p@127.0.0.1:${(silent.address() as AddressInfo).port}/d`,
  }
  for (const [what, connectionString] of Object.entries(targets)) {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: what.endsWith('nothing') ? 50 : 10_000 })
    const err = await client.connect().then(() => null, (reason: unknown) => reason)
    t.equal(isStoreUnavailable(err), true, `${what}: ${String(err)}`)
    t.equal(isRowRefused(err), false)
  }
})

t.test('a migration that finds no server says where it looked, and counts as unavailability', async (t) => {
  const port = await freedPort()
  const err = await pendingMigrations(`postgres://u:secret@localhost:${port}/d`).then(() => null, (reason: unknown) => reason)
  t.match(err, { message: new RegExp(`^Cannot connect to the database at localhost:${port}: .*ECONNREFUSED`) })
  t.notMatch(String(err), /secret/)
  t.equal(isStoreUnavailable(err), true)
  t.equal(isStoreUnavailable(new UsageError('mend it', { cause: err })), false)
})

t.test('anything else is neither', (t) => {
  const pipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
  t.equal(sqlState(pipe), null, 'five characters alone make no SQLSTATE')
  t.equal(isStoreUnavailable(pipe), true)
  for (const err of [new TypeError('x is not a function'), new Error('Query values must be an array'), null, undefined, 'text', { code: '57P01' }]) {
    t.strictSame([sqlState(err), isStoreUnavailable(err), isRowRefused(err)], [null, false, false])
  }
  t.end()
})

async function freedPort (): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
