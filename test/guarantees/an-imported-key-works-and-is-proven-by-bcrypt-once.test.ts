import { randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'
import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { generateKey } from '../../src/keys/format.ts'
import { importRows, row } from '../keys/import/support.ts'
import { openKeys, openShared } from '../keys/support.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('of three variants and three costs', async (t) => {
  const shared = await openShared(t)
  const { database } = shared
  const upstream = await startUpstream(t)
  const pepper = randomBytes(32)
  const config = `
keys: { bcryptCost: 4, checksum: optional }
upstreams: { inventory: { targets: ["${upstream.url}"] } }
routes: [{ id: inventory, path: /inventory, upstream: inventory, scopes: [inventory:read] }]
`
  const first = await startGateway(t, { config, database, pepper })
  const keys = await Promise.all(['2a', '2b', '2y'].flatMap((variant) => [4, 10, 12].map(async (cost, i) => {
    // Also one of our own shape, and one that another system has shown with dots.
    const [key, keyPrefix] = i === 0
      ? [generateKey({ brand: 'sk', environment: 'live' })].flatMap((own) => [own, own.slice(0, 12)])
      : [`acme-${randomBytes(20).toString('hex')}`].flatMap((foreign) => [foreign, `${foreign.slice(0, 10)}...`])
    const hash = await bcrypt.hash(key!, cost)
    return { key: key!, name: `$${variant}$ ${cost}`, keyHash: hash.replace('$2b$', `$${variant}$`), keyPrefix }
  })))
  t.equal((await send(`${first.url}/inventory`, { headers: { 'x-api-key': keys[0]!.key } })).code, 'invalid_key')
  const result = await importRows(database, keys.map(({ key, ...fields }) => row(fields)), { config: { checksum: 'optional' } })
  t.equal(result.imported, 9)

  const status = async (url: string, key: string) => (await send(`${url}/inventory`, { headers: { 'x-api-key': key } })).status
  await until(async () => await status(first.url, keys[0]!.key) === 200, 'the gateway has heard of the import')
  for (const { name, key } of keys) t.equal(await status(first.url, key), 200, name)
  t.equal(await status(first.url, `${keys[4]!.key.slice(0, -1)}x`), 401, 'another key with the same prefix')
  const digests = async () => (await database.pool.query<{ n: number }>('select count(key_lookup)::int as n from api_keys')).rows[0]?.n
  await until(async () => await digests() === 9, 'every key has its digest')

  const second = await startGateway(t, { config, database, pepper })
  const { verifier, bcrypt: counting } = await openKeys(t, shared, { peppers: new Peppers([pepper]), config: { checksum: 'optional' } })
  for (const { name, key } of keys) {
    t.equal(await status(second.url, key), 200, `${name} at another gateway`)
    t.equal((await verifier.verify(key)).status, 'valid')
  }
  t.equal(counting.compares, 0, 'and no bcrypt any more')
  t.equal((await database.pool.query("select from api_keys where key_hash like '$2a$%' or key_hash like '$2y$%'")).rowCount, 6, 'what proves them stays as it was')
})
