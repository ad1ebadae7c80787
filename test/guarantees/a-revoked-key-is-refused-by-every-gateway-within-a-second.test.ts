import t, { type Test } from 'tap'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const revocations = 100

t.test('keys revoked by straight SQL', async t => {
  const { gateways, createCachedKey, sql } = await startTwo(t)
  const tookMs: number[] = []
  for (let i = 0; i < revocations; i++) {
    const { key, id } = await createCachedKey()
    const startedAtMs = performance.now()
    await sql('update api_keys set revoked_at = now() where id = $1', [id])
    await Promise.all(gateways.map(gateway => untilAnswered(gateway, key, 'key_revoked')))
    tookMs.push(performance.now() - startedAtMs)
  }
  tookMs.sort((a, b) => a - b)
  t.equal(tookMs.length, revocations, 'every one was refused by both')
  t.comment(`from the UPDATE to both refusing: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`)

  function at (quantile: number): string {
    return tookMs[Math.ceil(quantile * tookMs.length) - 1]!.toFixed(1)
  }
})

const changes: [change: string, code: string][] = [
  ['update api_keys set is_active = false where id = $1', 'key_disabled'],
  ['update api_keys set revoked_at = now(), is_active = false where id = $1', 'key_revoked'],
  ['delete from api_keys where id = $1', 'invalid_key'],
  ["update api_keys set expires_at = now() - interval '1 minute' where id = $1", 'key_expired'],
  ["update api_keys set scopes = array_remove(scopes, 'inventory:read') where id = $1", 'insufficient_scope'],
  ["update api_keys set environment = 'test' where id = $1", 'invalid_key'],
  ["update api_keys set key_hash = '$2b$04$' || repeat('x', 53) where id = $1", 'invalid_key'],
  ['delete from auth.users where id = (select user_id from api_keys where id = $1)', 'invalid_key'],
  ['with one as (select $1::int) update api_keys set is_active = false', 'key_disabled'],
]

t.test('every other change by straight SQL', async t => {
  const { gateways, createCachedKey, sql } = await startTwo(t)
  for (const [change, code] of changes) {
    const { key, id } = await createCachedKey()
    await sql(change, [id])
    for (const gateway of gateways) await untilAnswered(gateway, key, code)
    t.pass(change)
  }

  const { key } = await createCachedKey()
  await sql('truncate api_keys cascade')
  for (const gateway of gateways) await untilAnswered(gateway, key, 'invalid_key')
  t.pass('truncate')
})

t.test('a change that is rolled back changes nothing, and one counts from its commit', async t => {
  const { gateways, createCachedKey, pool } = await startTwo(t)
  const { key, id } = await createCachedKey()
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('update api_keys set revoked_at = now() where id = $1', [id])
    for (const gateway of gateways) t.equal((await use(gateway, key)).status, 200, 'not yet')
    await client.query('rollback')
    for (const gateway of gateways) t.equal((await use(gateway, key)).status, 200, 'never')
    await client.query('begin')
    await client.query('update api_keys set revoked_at = now() where id = $1', [id])
    for (const gateway of gateways) t.equal((await use(gateway, key)).status, 200)
    await client.query('commit')
  } finally {
    client.release()
  }
  for (const gateway of gateways) await untilAnswered(gateway, key, 'key_revoked')
})

t.test('what is given back works again', async t => {
  const { gateways, createCachedKey, sql } = await startTwo(t)
  const { key, id } = await createCachedKey()
  const steps: [change: string, code: string | undefined][] = [
    ['is_active = false', 'key_disabled'],
    ['is_active = true', undefined],
    ["scopes = '{}'", 'insufficient_scope'],
    ["scopes = '{inventory:*}'", undefined],
  ]
  for (const [change, code] of steps) {
    await sql(`update api_keys set ${change} where id = $1`, [id])
    for (const gateway of gateways) await untilAnswered(gateway, key, code)
    t.pass(change)
  }
})

async function startTwo (t: Test) {
  const upstream = await startUpstream(t)
  const database = await createDatabase(t)
  const config = `
keys: { bcryptCost: 4, environments: [live], cache: { ttl: 1h, negativeTtl: 1h } }
upstreams: { inventory: { targets: ["${upstream.url}"] } }
routes:
  - { id: inventory, path: /inventory/*, upstream: inventory, scopes: [inventory:read] }
`
  const first = await startGateway(t, { config, database })
  const gateways = [first, await startGateway(t, { config, database, pepper: first.pepper })]
  let users = 0
  return {
    gateways,
    pool: database.pool,
    sql: (statement: string, values: unknown[] = []) => database.pool.query(statement, values),
    /** A key of a user of its own, known to both gateways. */
    async createCachedKey () {
      const { key, apiKey } = await first.createKey({ scopes: ['inventory:read'], user: `user${users++}@example.com` })
      for (const gateway of gateways) {
        for (let uses = 0; uses < 2; uses++) {
          const { status } = await use(gateway, key)
          if (status !== 200) throw new Error(`A fresh key was answered ${status}`)
        }
      }
      return { key, id: apiKey.id }
    },
  }
}

function use (gateway: TestGateway, key: string) {
  return send(`${gateway.url}/inventory/1`, { headers: { 'x-api-key': key } })
}

/** `code` undefined: let through. */
async function untilAnswered (gateway: TestGateway, key: string, code: string | undefined): Promise<void> {
  await until(async () => await codeOf(gateway, key) === code, `the key is answered ${code ?? 200}`)
}

/** A busy machine may find a request half answered when its key ends, which is broken off then. */
async function codeOf (gateway: TestGateway, key: string): Promise<string | undefined> {
  try {
    return (await use(gateway, key)).code
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'UND_ERR_SOCKET') throw err
    return 'broken off'
  }
}
