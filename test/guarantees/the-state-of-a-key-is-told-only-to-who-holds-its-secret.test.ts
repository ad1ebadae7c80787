import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import { checksumOf } from '../../src/keys/format.ts'
import { insertKey, openKeys, openShared, randomPeppers } from '../keys/support.ts'

const shared = await openShared(t)

const past = new Date(Date.now() - 60_000)
const states: Record<string, Record<string, unknown>> = {
  valid: {},
  disabled: { is_active: false },
  revoked: { revoked_at: past },
  expired: { expires_at: past },
}

for (const peppers of [new Peppers([]), new Peppers(randomPeppers())]) {
  for (const [status, columns] of Object.entries(states)) {
    t.test(`${status}, ${peppers.isEmpty ? 'without' : 'with'} a pepper`, async (t) => {
      const keys = await openKeys(t, shared, { peppers })
      const { key, id } = await insertKey(keys.database, { columns })
      // The stored prefix is shown to people: whoever knows it can make a key that begins alike and has a right checksum.
      const body = key.slice(0, 12) + [...key.slice(12, 40)].reverse().join('')
      const wrong = body + checksumOf(body)
      t.same(await keys.verifier.verify(wrong), { status: 'unknown', key: null })
      t.match(await keys.verifier.verify(key), { status, key: { id } })
      t.same(await keys.verifier.verify(wrong), { status: 'unknown', key: null })
    })
  }
}

t.test('a key of an environment that is not admitted is unknown, whatever its state', async (t) => {
  const keys = await openKeys(t, shared, { config: { environments: ['live'] } })
  for (const columns of Object.values(states)) {
    const { key } = await insertKey(keys.database, { columns: { ...columns, environment: 'test' } })
    t.same(await keys.verifier.verify(key), { status: 'unknown', key: null })
  }
})
