import { randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'
import pg from 'pg'
import t, { type Test } from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startFront, type Front } from '../support/front.ts'
import { send } from '../support/http.ts'
import { createRole } from '../support/role.ts'
import { scrape } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

t.test('who may only NOTIFY costs look-ups: floods and forged payloads admit and refuse nobody', async t => {
  const { front, use, role, client } = await start(t)
  const { gateway, key } = front
  const revoked = await gateway.createKey({ scopes: ['all:use'] })
  await gateway.database.pool.query('update api_keys set revoked_at = now() where id = $1', [revoked.apiKey.id])
  const unknown = generateKey({ brand: 'sk', environment: 'live' })
  await t.rejects(client.query('select from public.api_keys'), { code: '42501' }, role)

  const payloads = [
    '{"all": true}', '', 'null', '[]', '{', '{"ids": [1e400]}', '{"ids": [-1, 99999999999999999999]}', '{"ids": "all"}', '{"ids": [{}]}', '{"all": "true"}',
    JSON.stringify({ ids: Array.from({ length: 900 }, (_, i) => i), clearNegative: false }), '{"ids": [1], "clearNegative": null}',
    '{"__proto__": {"all": true}}', '\u0001'.repeat(100), 'x'.repeat(7_999),
  ]
  const before = (await scrape(gateway.adminUrl)).get('latchkey_key_invalidations_total') ?? 0
  let sent = 0
  const flood = (async () => {
    for (let round = 0; round < 20; round++) {
      for (const payload of payloads) {
        // Postgres sends the equal payloads of one transaction once: each is a transaction of its own.
        await client.query("select pg_notify('latchkey_keys', $1)", [payload])
        sent++
      }
    }
  })()
  const state = { isOver: false }
  flood.finally(() => { state.isOver = true }).catch(() => {})
  let asked = 0
  while (!state.isOver) {
    const answers = await Promise.all([use(key), use(revoked.key), use(unknown)])
    // 503 is what it costs where each look-up is overtaken by the next notification.
    for (const [i, expected] of ['200', 'key_revoked', 'invalid_key'].entries()) {
      const { status, code } = answers[i]!
      t.ok(status === 503 || (code ?? String(status)) === expected, `${expected}: ${status} ${code}`)
    }
    asked++
  }
  await flood
  await until(async () => ((await scrape(gateway.adminUrl)).get('latchkey_key_invalidations_total') ?? 0) - before >= sent, 'all of them have arrived')
  t.equal((await use(key)).status, 200)
  t.comment(`${sent} notifications, ${asked} rounds of requests meanwhile`)
})

t.test('who may read all rows can use no key; anon and authenticated can\'t even read', async t => {
  const { front, use, role, client } = await start(t)
  const { pool } = front.gateway.database
  await pool.query(`grant usage on schema latchkey to ${role}; grant select on all tables in schema public, latchkey to ${role}; alter role ${role} bypassrls`)
  const { rows: [row] } = await client.query('select key_hash, key_prefix, key_lookup, pepper_id from public.api_keys')
  for (const value of [row.key_hash, row.key_prefix, row.pepper_id, row.key_lookup.toString('hex'), row.key_lookup.toString('base64')]) {
    t.match(await use(value), { status: 401, code: 'invalid_key' })
  }
  for (const statement of ["update public.api_keys set key_hash = 'x'", 'delete from public.api_keys', 'truncate public.api_keys cascade', "insert into public.api_keys (name) values ('x')"]) {
    await t.rejects(client.query(statement), { code: '42501' }, statement)
  }
})

t.test('who may write digests alone can move the digest of a key of theirs, but make none', async t => {
  const { front, use, role, client } = await start(t)
  const { pool } = front.gateway.database
  const own = await front.gateway.createKey({ scopes: ['nothing:here'] })
  await pool.query(`grant select, update (key_lookup, pepper_id) on public.api_keys to ${role}; alter role ${role} bypassrls`)
  t.equal((await use(own.key)).code, 'insufficient_scope')
  const { rows: [mine] } = await client.query('select key_lookup, pepper_id from public.api_keys where id = $1', [own.apiKey.id])

  await t.rejects(client.query('update public.api_keys set key_lookup = $2 where id = $1', [front.keyId, mine.key_lookup]), { code: '23505' }, 'one digest never stands for two keys')
  const forged = generateKey({ brand: 'sk', environment: 'live' })
  await client.query('update public.api_keys set key_lookup = $2 where id = $1', [front.keyId, randomBytes(32)])
  t.equal((await use(forged)).code, 'invalid_key', 'without the pepper, the digest of a key cannot be made')

  // The digest is the proof of a key that was proven once: the right to write it is the right to write keys.
  await client.query('update public.api_keys set key_lookup = null, pepper_id = null where id = $1', [own.apiKey.id])
  await client.query('update public.api_keys set key_lookup = $2, pepper_id = $3 where id = $1', [front.keyId, mine.key_lookup, mine.pepper_id])
  await client.query("select pg_notify('latchkey_keys', $1)", [JSON.stringify({ ids: [own.apiKey.id] })])
  await until(async () => (await use(own.key)).status === 200, 'their key now counts as the other')
  await pool.query('update public.api_keys set key_hash = $2 where id = $1', [front.keyId, await bcrypt.hash(forged, 4)])
  await until(async () => (await use(own.key)).code !== undefined, 'until the hash of that row is replaced, which clears the digest')
})

t.test('who may write keys makes and ends them, and every gateway knows at once', async t => {
  const { front, use, role, client } = await start(t)
  const { pool } = front.gateway.database
  await pool.query(`grant select, insert, update, delete on public.api_keys to ${role}; grant usage on sequence public.api_keys_id_seq to ${role}; alter role ${role} bypassrls`)
  t.equal((await use(front.key)).status, 200)
  const replaced = generateKey({ brand: 'sk', environment: 'live' })
  // Row triggers can't be switched off by a role that doesn't own the table.
  await t.rejects(client.query('alter table public.api_keys disable trigger all'), { code: '42501' })
  await t.rejects(client.query("set session_replication_role = 'replica'"), { code: '42501' })
  await client.query('update public.api_keys set key_hash = $2, key_prefix = $3 where id = $1', [front.keyId, await bcrypt.hash(replaced, 4), replaced.slice(0, 12)])
  await until(async () => (await use(front.key)).code === 'invalid_key', 'the old secret is dead, its digest with it')
  t.equal((await use(replaced)).status, 200)
  await client.query('delete from public.api_keys')
  await until(async () => (await use(replaced)).code === 'invalid_key', 'and so is a key that is gone')
})

async function start (t: Test): Promise<{ front: Front, use: (key: string) => ReturnType<typeof send>, role: string, client: pg.Client }> {
  const upstream = await startUpstream(t)
  const front = await startFront(t, upstream.url, { sections: 'gateway: { failureBudget: { failures: 1000000 } }\n' })
  const role = await createRole(t, front.gateway.database)
  const client = new pg.Client(role.url)
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return { front, use: key => send(front.url, { headers: { 'x-api-key': key } }), role: role.name, client }
}
