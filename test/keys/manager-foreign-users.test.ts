import t from 'tap'
import { KeyManagerError } from '../../src/keys/manager.ts'
import { failureOf, openKeys, openShared } from './support.ts'

const shared = await openShared(t)

t.test('on an auth.users that isn’t ours, no user is added', async (t) => {
  const { manager, sql } = await openKeys(t, shared)
  await sql('comment on table auth.users is null')
  const known = await sql("insert into auth.users (email) values ('ada@example.com') returning id")
  for (const user of ['nobody@example.com', '7d9f3f0a-6c52-4a3e-9a53-0f6d2c1b7e11']) {
    const err = await failureOf(manager.create({ user, name: 'x', scopes: [] }))
    t.type(err, KeyManagerError)
    t.match(err, { message: /add the user there first/ })
  }
  t.equal((await sql('select from auth.users')).rowCount, 1)
  for (const user of ['ada@example.com', String(known.rows[0].id)]) {
    t.equal((await manager.create({ user, name: 'x', scopes: [] })).apiKey.userId, known.rows[0].id)
  }
})

t.test('an email of two users is not guessed', async (t) => {
  const { manager, sql } = await openKeys(t, shared)
  await sql("insert into auth.users (email) values ('Two@example.com'), ('two@example.com')")
  await t.rejects(manager.create({ user: 'TWO@example.com', name: 'x', scopes: [] }), { message: /More than one user/ })
})
