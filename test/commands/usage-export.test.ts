import { once } from 'node:events'
import { readFileSync, statSync, truncateSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { runCli, startCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'
import { readCsv } from '../usage/export/csv-reader.ts'
import { insertRows } from '../usage/export/support.ts'
import { createKeys } from '../usage/support.ts'

const { url, pool } = await createDatabase(t)
const cwd = t.testdir()
const env = { DATABASE_URL: url }
const keys = await createKeys(pool, 2)
await insertRows(pool, keys, 500)
const stored = (await pool.query('select id, request_id, api_key_id, status_code, host(ip_address) as address from api_key_usage order by id')).rows
const allIds: readonly number[] = stored.map(({ id }) => Number(id))
const lastId = allIds.at(-1)

const latchkey = async (...args: string[]) => {
  const result = await runCli(['usage', 'export', ...args], { cwd, env })
  t.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`)
  return result
}
const idsIn = (text: string): number[] => text.trimEnd().split('\n').map(line => JSON.parse(line).id)

t.test('one JSON object a line on standard output, and the cursor beside it', async t => {
  const { stdout, stderr } = await latchkey()
  t.strictSame(idsIn(stdout), allIds)
  t.equal(stderr, `Exported 500 rows. What comes later: --cursor ${lastId}\n`)
  const { stdout: later, stderr: words } = await latchkey('--cursor', String(lastId))
  t.equal(later, '')
  t.equal(words, `Exported 0 rows. What comes later: --cursor ${lastId}\n`)
})

t.test('CSV, under a header or without', async t => {
  const [header, ...rows] = readCsv((await latchkey('--format', 'csv')).stdout)
  const column = (name: string) => rows.map(row => row[header!.indexOf(name)])
  t.strictSame(column('id'), allIds.map(String))
  t.strictSame(column('requestId'), stored.map(row => row.request_id))
  t.strictSame(column('status'), stored.map(row => String(row.status_code)))
  t.strictSame(column('ipAddress'), stored.map(row => row.address))
  const without = readCsv((await latchkey('--format', 'csv', '--no-header', '--limit', '1')).stdout)
  t.strictSame(without, [rows[0]])
})

t.test('filters, a limit, and on from there', async t => {
  const one = await latchkey('--key', String(keys[0]), '--status', '4xx', '--route', 'write', '--since', '1h')
  t.strictSame(idsIn(one.stdout), stored.filter((row, index) => row.api_key_id === keys[0] && row.status_code === 404 && (index + 1) % 3 === 0).map(({ id }) => Number(id)))
  const some = await latchkey('--limit', '120')
  const cursor = /--cursor (\d+)/.exec(some.stderr)?.[1] ?? ''
  t.strictSame([...idsIn(some.stdout), ...idsIn((await latchkey('--cursor', cursor)).stdout)], allIds)
})

t.test('a file: made for its owner alone, never overwritten, and gone on with', async t => {
  const file = path.join(cwd, 'usage.csv')
  const args = ['--format', 'csv', '--output', file]
  const { stdout } = await latchkey(...args, '--limit', '200')
  t.equal(stdout, '')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const refused = await runCli(['usage', 'export', ...args], { cwd, env })
  t.equal(refused.code, 2)
  t.match(refused.stderr, /exists already\. --resume goes on where it ends\./)

  // As whoever was killed in the middle of a line leaves it.
  truncateSync(file, statSync(file).size - 10)
  const { stderr } = await latchkey(...args, '--resume')
  t.match(stderr, /^Exported 301 rows\./)
  const { stdout: whole } = await latchkey('--format', 'csv')
  t.equal(readFileSync(file, 'utf8'), whole)
})

t.test('of two at once, one writes; once it was killed, the next one does', async t => {
  const file = path.join(cwd, 'shared.ndjson')
  const args = ['usage', 'export', '--output', file, '--resume']
  // No page can be read meanwhile.
  const client = await pool.connect()
  await client.query('begin; lock table public.api_keys in access exclusive mode')
  const first = startCli(args, { cwd, env })
  await locks(1)
  const refused = await runCli(args, { cwd, env })
  t.equal(refused.code, 2)
  t.equal(refused.stderr, `error: Another export is writing to ${file}. Try again once it has ended.\n`)
  const gone = once(first, 'exit')
  first.kill('SIGKILL')
  await gone
  await client.query('rollback')
  client.release()
  await locks(0)
  t.match((await latchkey('--output', file, '--resume')).stderr, /^Exported 500 rows\./)
  t.strictSame(idsIn(readFileSync(file, 'utf8')), allIds)
  t.match((await latchkey('--output', file, '--resume')).stderr, /^Exported 0 rows\./)
})

t.test('a row that somebody has not committed yet holds back those behind it', async t => {
  const client = await pool.connect()
  await client.query('begin')
  await client.query("insert into api_key_usage (api_key_id, endpoint, method) values ($1, '/late', 'GET')", [keys[0]])
  await pool.query("insert into api_key_usage (api_key_id, endpoint, method) values ($1, '/early', 'GET')", [keys[0]])
  const waiting = latchkey('--cursor', String(lastId))
  setTimeout(() => { client.query('commit').then(() => client.release(), err => client.release(err)) }, 1_000)
  t.strictSame((await waiting).stdout.trimEnd().split('\n').map(line => JSON.parse(line).endpoint), ['/late', '/early'])
})

t.test('a reader that leaves ends it quietly', async t => {
  await insertRows(pool, keys, 20_000)
  const { child, stderr, closed } = await startAndReadOnce()
  child.stdout?.destroy()
  t.equal(await closed, 0)
  t.equal(stderr(), '')
})

t.test('Ctrl-C ends it, also where the reader takes nothing, and it says how to go on', async t => {
  const { child, stderr, closed } = await startAndReadOnce()
  child.stdout?.pause()
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  t.equal(code, 130)
  child.stdout?.resume()
  await closed
  t.match(stderr(), /^Broken off\. To go on: --cursor with the id in the last whole line that arrived\nInterrupted by SIGINT\.\n$/)
})

async function startAndReadOnce () {
  const child = startCli(['usage', 'export'], { cwd, env })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const closed = once(child, 'close').then(([code]) => code as number | null)
  await once(child.stdout!, 'data')
  return { child, closed, stderr: () => stderr }
}

/** Resolves once so many exports hold their files. */
async function locks (count: number): Promise<void> {
  for (let found = -1; found !== count;) {
    const { rows } = await pool.query(`
      select count(*)::int as count from pg_locks
      where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`)
    found = rows[0].count
  }
}
