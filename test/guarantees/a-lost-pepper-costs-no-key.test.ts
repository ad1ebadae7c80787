import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { openKeys, openShared, randomPeppers } from '../keys/support.ts'
import { until } from '../support/until.ts'

const shared = await openShared(t)

t.test('keys made under a pepper that is gone', async (t) => {
  const before = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()) })
  const { key, apiKey } = await before.manager.create({ user: 'ada@example.com', name: 'one', scopes: ['inventory:read'] })
  t.equal((await before.verifier.verify(key)).status, 'valid')

  await t.test('are valid without any pepper', async (t) => {
    const keys = await openKeys(t, shared)
    t.match(await keys.verifier.verify(key), { status: 'valid', key: { id: apiKey.id, scopes: ['inventory:read'] } })
    t.equal(keys.bcrypt.compares, 1)
  })

  await t.test('are valid under another one, and need bcrypt only once', async (t) => {
    const peppers = new Peppers(randomPeppers())
    const keys = await openKeys(t, shared, { peppers })
    t.match(await keys.verifier.verify(key), { status: 'valid', key: { id: apiKey.id } })
    t.equal(keys.bcrypt.compares, 1)
    await until(async () => {
      const { rows } = await keys.sql('select pepper_id from public.api_keys where id = $1', [apiKey.id])
      return rows[0]?.pepper_id === peppers.ids[0]
    }, 'its digest is written under the new pepper')
    const again = await openKeys(t, shared, { peppers })
    t.equal((await again.verifier.verify(key)).status, 'valid')
    t.equal(again.bcrypt.compares, 0)
  })

  await t.test('and a revoked one stays revoked', async (t) => {
    await before.manager.revoke(apiKey.id)
    const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()) })
    t.equal((await keys.verifier.verify(key)).status, 'revoked')
  })
})
