import { randomBytes, randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import t from 'tap'
import { keyPrefixOf, generateKey } from '../../src/keys/format.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { createPool } from '../../src/database/pool.ts'
import { firstUseQueries, KeyStore } from '../../src/keys/store.ts'
import { Verifier } from '../../src/keys/verifier.ts'
import { startGateway } from '../support/gateway.ts'
import { createDatabase } from '../support/postgres.ts'
import { startUpstream } from '../support/upstream.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')
const logger = pino({ level: 'silent' })
const rows = 1_000_000
const cachedMax = 100_000
const cachedBytesMax = 100e6
const restartedKeys = 10_000
const connections = 64

const database = await createDatabase(t)
const { pool } = database
const pepper = randomBytes(32)
const peppers = new Peppers([pepper])
const newKeys = (count: number) => Array.from({ length: count }, () => generateKey({ brand: 'sk', environment: 'live' }))

// The secrets of these are nobody's.
const owner = randomUUID()
await pool.query('insert into auth.users (id) values ($1)', [owner])
await pool.query(`
  insert into api_keys (user_id, key_hash, key_prefix, name, scopes, key_lookup, pepper_id)
  select $1, '$2b$10$' || rpad(md5(n::text), 53, 'x'), 'sk_live_' || left(md5(n::text), 4), 'key ' || n, '{inventory:read}', sha256(n::text::bytea), $2
  from generate_series(1, $3::int) as n`, [owner, peppers.ids[0], rows])

/** Rows for keys that can be used: found by their digests. */
async function insertKeys (keys: readonly string[]): Promise<void> {
  await pool.query(`
    insert into api_keys (user_id, key_hash, key_prefix, name, scopes, environment, key_lookup, pepper_id)
    select $1, '$2b$10$' || rpad(md5(digest::text), 53, 'x'), prefix, 'key of a customer', '{inventory:read,inventory:write}', 'live', digest, $4
    from unnest($2::text[], $3::bytea[]) as key (prefix, digest)`,
  [owner, keys.map(keyPrefixOf), keys.map(key => peppers.lookupOf(key)[0]!.digest), peppers.ids[0]])
}

t.test('among a million keys, a first use is one probe of an index', async t => {
  for (const isAnalysed of [false, true]) {
    if (isAnalysed) await pool.query('analyze api_keys')
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      for (const { statement, values } of firstUseQueries) {
        const client = await pool.connect()
        try {
          await client.query(`set plan_cache_mode = ${mode}`)
          await client.query(`prepare asked as ${statement.text}`)
          const [value] = values
          const literal = Array.isArray(value) ? `array[${value.map(one => `'\\x${one.toString('hex')}'`).join()}]::bytea[]` : `'\\x${(value as Buffer).toString('hex')}'`
          const { rows: lines } = await client.query<{ 'QUERY PLAN': string }>(`explain execute asked(${literal})`)
          const plan = lines.map(line => line['QUERY PLAN']).join('\n')
          t.comment(`${mode}, ${isAnalysed ? '' : 'not '}analysed:\n${plan}`)
          t.match(plan, 'latchkey_api_keys_key_lookup')
          t.notMatch(plan, 'Seq Scan')
        } finally {
          client.release(true)
        }
      }
    }
  }
})

t.test('a hundred thousand cached keys fit into 100 MB', async t => {
  const keys = newKeys(cachedMax)
  for (let i = 0; i < keys.length; i += 10_000) await insertKeys(keys.slice(i, i + 10_000))
  const keyPool = createPool({ connectionString: database.url, applicationName: 'latchkey-test', connectionsMax: 4, connectionsMin: 4, prepares: firstUseQueries, queryTimeoutMs: 30_000, logger })
  const bcrypt = new BcryptPool({ queueMax: 1, logger })
  const cache = { entriesMax: cachedMax, ttlMs: 3_600_000, negativeEntriesMax: 1000, negativeTtlMs: 10_000 }
  const verifier = new Verifier({
    config: { header: 'x-api-key', brand: 'sk', environments: ['live'], checksum: 'required', bcryptCost: 4, cache, serveCachedForMs: 600_000 },
    store: new KeyStore(keyPool),
    peppers,
    bcrypt,
    isListening: () => true,
    logger,
  })
  await keyPool.fill()
  const before = usedBytes()
  for (let i = 0; i < keys.length; i += 1_000) {
    const verdicts = await Promise.all(keys.slice(i, i + 1_000).map(key => verifier.verify(key)))
    if (verdicts.some(({ status }) => status !== 'valid')) t.fail('a key was refused')
  }
  t.equal(verifier.stats().entries, cachedMax)
  const bytes = usedBytes() - before
  t.comment(`${(bytes / cachedMax).toFixed(0)} bytes a key`)
  t.ok(bytes < cachedBytesMax, `${(bytes / 1e6).toFixed(1)} MB`)
  await verifier.close()
  await bcrypt.close()
  await keyPool.end()
})

t.test('ten thousand keys that a restarted gateway hasn\'t seen are all served, beside keys that it knows', async t => {
  const upstream = await startUpstream(t)
  const startedAt = performance.now()
  const gateway = await startGateway(t, {
    database,
    pepper,
    // Client, gateway and upstream share one event loop here.
    config: `
gateway: { eventLoopDelayMax: 10s }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: '/*', upstream: u, scopes: [inventory:read] }]
`,
  })
  t.comment(`ready after ${(performance.now() - startedAt).toFixed(0)} ms`)
  const unseen = newKeys(restartedKeys)
  const known = newKeys(100)
  await insertKeys([...unseen, ...known])
  const refused = new Set<string>()
  const use = async (key: string): Promise<void> => {
    const response = await fetch(gateway.url, { headers: { 'x-api-key': key } })
    const text = await response.text()
    if (response.status !== 200) refused.add(text)
  }
  for (const key of known) await use(key)
  const taken: number[] = []
  const begunAt = performance.now()
  await Promise.all(Array.from({ length: connections }, async (_, connection) => {
    for (let i = connection; i < unseen.length; i += connections) {
      await use(unseen[i]!)
      if (i % 10 !== 0) continue
      const sentAt = performance.now()
      await use(known[i / 10 % known.length]!)
      taken.push(performance.now() - sentAt)
    }
  }))
  taken.sort((a, b) => a - b)
  t.comment(`all served after ${((performance.now() - begunAt) / 1_000).toFixed(1)} s; known keys meanwhile: p50 ${taken[taken.length >> 1]!.toFixed(1)} ms, p99 ${taken[Math.floor(taken.length * 0.99)]!.toFixed(1)} ms`)
  t.same(refused, new Set())
})

function usedBytes (): number {
  for (let i = 0; i < 4; i++) collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
