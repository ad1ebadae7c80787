import t from 'tap'
import { UsageError } from '../../src/errors.ts'
import { generateToken, tokenHashOf } from '../../src/tokens/format.ts'
import { TokenManager } from '../../src/tokens/manager.ts'
import { createDatabase } from '../support/postgres.ts'

const actor = { kind: 'command', name: 'ada' } as const
const inTheFuture = new Date('2090-01-01')

t.test('a token is made, listed and revoked, and only its hash is stored', async t => {
  const { pool } = await createDatabase(t)
  const manager = new TokenManager({ pool, actor })
  const { token, adminToken } = await manager.create({ name: ' deploy ', rights: 'write', expiresAt: inTheFuture })
  t.match(adminToken, { name: 'deploy', prefix: token.slice(0, 19), rights: 'write', status: 'active', createdAt: Date, expiresAt: inTheFuture, lastUsedAt: null, revokedAt: null })
  const { rows: [row] } = await pool.query('select * from latchkey.admin_tokens')
  t.same(row.token_hash, tokenHashOf(token))
  t.notOk(JSON.stringify(Object.values(row)).includes(token.slice(19)), 'the token is nowhere')

  await manager.create({ name: 'dashboard', rights: 'read' })
  t.match(await manager.list(), [{ name: 'deploy' }, { name: 'dashboard', rights: 'read', expiresAt: null }])

  const revoked = await manager.revoke('deploy')
  t.match(revoked, { name: 'deploy', status: 'revoked', revokedAt: Date })
  t.same(await manager.revoke('deploy'), revoked, 'revoking again changes nothing')
  t.match(await manager.list(), [{ name: 'deploy', status: 'revoked' }, { name: 'dashboard', status: 'active' }])
})

t.test('the audit log tells who did it', async t => {
  const { pool } = await createDatabase(t)
  const manager = new TokenManager({ pool, actor })
  await manager.create({ name: 'deploy', rights: 'write' })
  await manager.revoke('deploy')
  const { rows } = await pool.query('select action, actor_kind, actor_name, after from latchkey.audit order by id')
  t.match(rows, [
    { action: 'token.created', actor_kind: 'command', actor_name: 'ada', after: { token: 'deploy', rights: 'write' } },
    { action: 'token.revoked', actor_kind: 'command', actor_name: 'ada' },
  ])
})

t.test('by its prefix, where that is one token only', async t => {
  const { pool } = await createDatabase(t)
  const manager = new TokenManager({ pool, actor })
  const { token } = await manager.create({ name: 'deploy', rights: 'write' })
  t.match(await manager.revoke(token), { name: 'deploy', status: 'revoked' }, 'a whole token counts as its prefix')
  for (const name of ['one', 'two']) {
    await pool.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights) values ($1, 'latchkey_admin_aaaa', $2, 'read')", [name, tokenHashOf(name)])
  }
  await t.rejects(manager.revoke('latchkey_admin_aaaa'), { name: 'UsageError', message: /one of two, one$/ })
  await manager.revoke('one')
  t.match(await manager.revoke('latchkey_admin_aaaa'), { name: 'two' })
  await t.rejects(manager.revoke('latchkey_admin_zzzz'), /No token has the prefix latchkey_admin_zzzz/)
  await t.rejects(manager.revoke('nobody'), /No token is called nobody/)
})

t.test('a name is one token at a time, and free again once that is revoked', async t => {
  const { pool } = await createDatabase(t)
  const manager = new TokenManager({ pool, actor })
  await manager.create({ name: 'deploy', rights: 'read' })
  await t.rejects(manager.create({ name: 'deploy', rights: 'write' }), { name: 'UsageError', message: /called deploy already/ })
  await pool.query("update latchkey.admin_tokens set expires_at = now() - interval '1 second'")
  await t.rejects(manager.create({ name: 'deploy', rights: 'write' }), UsageError, 'one that has expired may get a later end')
  const first = await manager.revoke('deploy')
  await manager.create({ name: 'deploy', rights: 'write' })
  const second = await manager.revoke('deploy')
  t.not(second.id, first.id, 'the one in force is meant')
})

t.test('what is no name and no expiry', async t => {
  const { pool } = await createDatabase(t)
  const manager = new TokenManager({ pool, actor })
  for (const name of ['', '  ', 'x'.repeat(256), 'a\nb', 'LATCHKEY_ADMIN_TOKEN', ' LATCHKEY_ADMIN_TOKEN', generateToken(), `my ${generateToken()}`]) {
    await t.rejects(manager.create({ name, rights: 'read' }), UsageError, name)
  }
  for (const expiresAt of [new Date(0), new Date(NaN)]) await t.rejects(manager.create({ name: 'x', rights: 'read', expiresAt }), UsageError)
  await pool.query("insert into latchkey.admin_tokens (name, token_prefix, token_hash, rights, expires_at) values ('for ever', 'x', 'x', 'read', 'infinity')")
  t.match(await manager.list(), [{ name: 'for ever', status: 'active', expiresAt: null }])
})
