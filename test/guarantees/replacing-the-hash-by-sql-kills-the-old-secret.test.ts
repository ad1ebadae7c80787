import bcrypt from 'bcrypt'
import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { newKey, openKeys, openShared, randomPeppers } from '../keys/support.ts'

const shared = await openShared(t)

for (const peppers of [new Peppers([]), new Peppers(randomPeppers())]) {
  t.test(peppers.isEmpty ? 'without a pepper' : 'with a pepper', async (t) => {
    const keys = await openKeys(t, shared, { peppers, listens: true })
    const { key, apiKey } = await keys.manager.create({ user: 'ada@example.com', name: 'one', scopes: [] })
    t.equal((await keys.verifier.verify(key)).status, 'valid')

    const replacement = newKey()
    await keys.verifier.verify(replacement)
    await keys.sql('update public.api_keys set key_hash = $2, key_prefix = $3 where id = $1',
      [apiKey.id, await bcrypt.hash(replacement, 4), replacement.slice(0, 12)])
    await keys.caughtUp()

    t.same(await keys.verifier.verify(key), { status: 'unknown', key: null })
    t.equal((await keys.verifier.verify(replacement)).key?.id, apiKey.id, 'and the new secret works')

    const another = await openKeys(t, shared, { peppers })
    t.equal((await another.verifier.verify(key)).status, 'unknown', 'also at a gateway that never saw the key')
    t.equal((await another.verifier.verify(replacement)).status, 'valid')
  })
}
