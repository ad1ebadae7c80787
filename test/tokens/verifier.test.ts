import t from 'tap'
import { generateToken, tokenHashOf, tokenPrefixOf } from '../../src/tokens/format.ts'
import { TokenManager } from '../../src/tokens/manager.ts'
import { createDatabase } from '../support/postgres.ts'
import { environmentToken, network, startVerifier } from './support.ts'

t.test('a token is valid with its name and rights, until it is revoked, on every gateway at once', async t => {
  const { url, pool } = await createDatabase(t)
  const manager = new TokenManager({ pool })
  const gateways = [startVerifier(t, url), startVerifier(t, url)].map(({ verifier }) => verifier)
  const { token } = await manager.create({ name: 'deploy', rights: 'write' })
  const { token: reader } = await manager.create({ name: 'dashboard', rights: 'read' })
  for (const verifier of gateways) {
    t.same(await verifier.verify(token, network), { status: 'valid', token: { name: 'deploy', rights: 'write' } })
    t.same(await verifier.verify(reader, network), { status: 'valid', token: { name: 'dashboard', rights: 'read' } })
  }
  await manager.revoke('deploy')
  for (const verifier of gateways) {
    t.same(await verifier.verify(token, network), { status: 'unauthorized' })
    t.match(await verifier.verify(reader, network), { status: 'valid' })
  }
})

t.test('one that has expired, by the clock of the database', async t => {
  const { url, pool } = await createDatabase(t)
  const { verifier } = startVerifier(t, url, { environmentToken })
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write', expiresAt: new Date(Date.now() + 3_600_000) })
  t.match(await verifier.verify(token, network), { status: 'valid' })
  await pool.query('update latchkey.admin_tokens set expires_at = now()')
  t.same(await verifier.verify(token, network), { status: 'unauthorized' })
})

t.test('several of one prefix are told apart', async t => {
  const { url, pool } = await createDatabase(t)
  const { verifier } = startVerifier(t, url)
  const { token } = await new TokenManager({ pool }).create({ name: 'mine', rights: 'read' })
  for (const other of ['one', 'two']) {
    await pool.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ($1, $2, $3, 'write')", [other, tokenPrefixOf(token), tokenHashOf(other)])
  }
  await pool.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ('short', $1, 'x', 'write')", [tokenPrefixOf(token)])
  t.same(await verifier.verify(token, network), { status: 'valid', token: { name: 'mine', rights: 'read' } })
})

t.test("the environment's token needs no database, and junk costs none", async t => {
  const { url } = await createDatabase(t)
  const { verifier, lookups } = startVerifier(t, url, { environmentToken })
  t.same(await verifier.verify(environmentToken, network), { status: 'valid', token: { name: 'LATCHKEY_ADMIN_TOKEN', rights: 'write' } })
  for (const junk of ['', 'null', `${environmentToken}x`, environmentToken.slice(1), `${generateToken()}0`]) t.same(await verifier.verify(junk, network), { status: 'unauthorized' })
  t.equal(lookups(), 0)
  t.same(await verifier.verify(generateToken(), network), { status: 'unauthorized' })
  t.equal(lookups(), 1)
})

t.test('disabled is what the API is while no token would do', async t => {
  const { url, pool } = await createDatabase(t)
  const manager = new TokenManager({ pool })
  const { verifier } = startVerifier(t, url)
  const presented = ['', 'null', generateToken()]
  for (const text of presented) t.same(await verifier.verify(text, network), { status: 'disabled' })
  const { token } = await manager.create({ name: 'deploy', rights: 'write' })
  for (const text of presented) t.same(await verifier.verify(text, network), { status: 'unauthorized' })
  await manager.revoke('deploy')
  for (const text of presented) t.same(await verifier.verify(text, network), { status: 'disabled' })
  t.same(await verifier.verify(token, network), { status: 'unauthorized' }, 'whoever holds the token learns that it is the token')
})

t.test('when it was last used is written, once a minute at most, and nobody waits for it', async t => {
  const { url, pool } = await createDatabase(t)
  const { verifier, usesNoted, pass } = startVerifier(t, url)
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  const use = async () => t.match(await verifier.verify(token, network), { status: 'valid' })
  const lastUsed = async () => (await pool.query<{ at: string | null }>('select last_used_at::text as at from latchkey.admin_tokens')).rows[0]?.at ?? null
  await use()
  t.equal(await usesNoted(), 1)
  const first = await lastUsed()
  t.ok(first)
  pass(60_000)
  await use()
  t.equal(await usesNoted(), 2)
  t.equal(await lastUsed(), first, 'by the clock of the database it was written within the minute, as if by another gateway')

  await pool.query("update latchkey.admin_tokens set last_used_at = last_used_at - interval '61 seconds'")
  const earlier = await lastUsed()
  await use()
  t.equal(await usesNoted(), 2, 'not tried again so soon')
  pass(60_000)
  await use()
  t.equal(await usesNoted(), 3)
  t.not(await lastUsed(), earlier, 'it is written again')

  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query("update latchkey.admin_tokens set last_used_at = null where name = 'deploy'")
  pass(60_000)
  await use()
  t.equal(await usesNoted(), 4, 'a row that somebody holds is waited for by nobody')
  await holder.query('commit')
  holder.release()
})
