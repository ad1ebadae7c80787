import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { migrateUp } from '../../src/database/migrate.ts'
import { verifySchema } from '../../src/database/verify.ts'
import { createDatabase } from '../support/postgres.ts'
import { listenForKeys } from './listening.ts'
import { addKeys, addUser } from './rows.ts'

t.test('an ordinary role can own everything, and another with UPDATE alone is heard', async (t) => {
  const { url, pool } = await createDatabase(t, { migrated: false })
  const owner = await createRole(t, pool, url)
  const writer = await createRole(t, pool, url)
  await pool.query(`grant create on database ${owner.database} to ${owner.name}; grant create, usage on schema public to ${owner.name}`)
  await migrateUp({ connectionString: owner.url, logger: pino({ level: 'silent' }) })
  t.strictSame((await verifySchema(owner.url)).filter(({ ok }) => !ok), [])

  const ownerPool = new pg.Pool({ connectionString: owner.url })
  // Its database may be dropped while a connection is still closing.
  ownerPool.on('error', () => {})
  t.teardown(async () => await ownerPool.end())
  const [id] = await addKeys(ownerPool, await addUser(ownerPool))
  await ownerPool.query(`
    grant select, update on api_keys to ${writer.name};
    create policy writer on api_keys to ${writer.name} using (true)`)
  const notified = await listenForKeys(t, url)

  const client = new pg.Client(writer.url)
  await client.connect()
  await client.query("update api_keys set key_hash = 'other', is_active = false where id = $1", [id])
  await client.end()
  t.strictSame(await notified(), [{ ids: [id], clearNegative: true }])

  await ownerPool.query('delete from auth.users')
  t.strictSame(await notified(), [{ ids: [id], clearNegative: false }])
})

t.test('verify and status tell a role that sees nothing', async (t) => {
  const { url, pool } = await createDatabase(t)
  const reader = await createRole(t, pool, url)
  await pool.query(`grant select on api_keys, api_key_usage to ${reader.name}`)

  const faults = (await verifySchema(reader.url)).filter(({ ok }) => !ok)
  t.match(faults, [
    { name: 'migrations', detail: /can't see which migrations have run/ },
    { name: 'rows visible to this role', detail: /row-level security keeps role/ },
  ])
  t.equal(faults.length, 2)
})

async function createRole (t: Pick<Tap, 'teardown'>, pool: pg.Pool, url: string): Promise<{ name: string, url: string, database: string }> {
  const name = `role_${randomBytes(6).toString('hex')}`
  await pool.query(`create role ${name} login password 'secret'`)
  t.teardown(async () => await pool.query(`drop owned by ${name} cascade; drop role ${name}`))
  const roleUrl = new URL(url)
  roleUrl.username = name
  roleUrl.password = 'secret'
  return { name, url: roleUrl.href, database: roleUrl.pathname.slice(1) }
}

type Tap = typeof t
