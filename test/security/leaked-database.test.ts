import { createHmac } from 'node:crypto'
import type pg from 'pg'
import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'

t.test('nothing in a copy of the database is a key, in whatever spelling', async t => {
  const upstream = await startUpstream(t)
  const { gateway, url, key, headers } = await startFront(t, upstream.url, { sections: 'keys: { bcryptCost: 4, checksum: optional }' })
  const { key: other } = await gateway.createKey()
  t.equal((await send(`${url}/${key}?key=${key}`, { headers: { ...headers, 'user-agent': key, 'x-request-id': other } })).status, 200)
  await usageRows(gateway, `/${key.slice(0, 12)}…`, 1)

  const values = await everyValue(gateway.database.pool)
  t.ok(values.has(key.slice(0, 12)) && [...values].some(value => value.startsWith('$2b$')), 'the copy holds prefixes and hashes')
  const text = [...values].join('\n')
  for (const secret of [key, other]) t.notOk(text.includes(secret.slice(12)), 'but no key')
  for (const value of values) {
    // What no header can carry, no client can present.
    if (!/^[\x20-\x7e]*$/.test(value)) continue
    const { status, code } = await send(`${url}/`, { headers: { 'x-api-key': value } })
    t.match({ status, code }, value === '' ? { status: 401, code: 'missing_key' } : { status: 401, code: 'invalid_key' }, value.slice(0, 20))
  }

  t.test('with the pepper, a guess can be confirmed, and that is all', async t => {
    const digestOf = (guess: string) => createHmac('sha256', gateway.pepper).update(guess).digest('hex')
    t.ok(values.has(digestOf(key)), 'a right guess')
    t.notOk(values.has(digestOf(generateKey({ brand: 'sk', environment: 'live' }))))
    t.notOk([...values].some(value => values.has(digestOf(value))), 'no value is the key of another')
    const { status } = await send(`${url}/`, { headers: { 'x-api-key': gateway.pepper.toString('hex') } })
    t.equal(status, 401)
  })
})

/** Of every table that isn't Postgres' own: each value as text, bytes in hex and base64, elements of arrays by themselves. */
async function everyValue (pool: pg.Pool): Promise<Set<string>> {
  const values = new Set<string>()
  const { rows: tables } = await pool.query<{ name: string }>(`
    select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p') and nspname not in ('pg_catalog', 'information_schema')`)
  for (const { name } of tables) {
    for (const row of (await pool.query<Record<string, unknown>>(`select * from ${name}`)).rows) {
      for (const value of Object.values(row).flat()) {
        if (Buffer.isBuffer(value)) for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) values.add(value.toString(encoding))
        else if (value !== null) values.add(value instanceof Date ? value.toISOString() : String(value))
      }
    }
  }
  return values
}
