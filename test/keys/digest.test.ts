import { createHmac, randomBytes } from 'node:crypto'
import t from 'tap'
import { Peppers } from '../../src/keys/digest.ts'

t.test('one HMAC-SHA256 a pepper, in their order', async (t) => {
  const [one, two] = [randomBytes(32), randomBytes(32)]
  const digests = new Peppers([one, two]).lookupOf('sk_live_x')
  t.same(digests.map(({ digest }) => digest), [one, two].map((pepper) => createHmac('sha256', pepper).update('sk_live_x').digest()))
  t.same(digests.map(({ pepperId }) => pepperId), new Peppers([one, two]).ids)
})

t.test('a pepper’s id is its own, stays the same and does not reveal it', async (t) => {
  const [one, two] = [randomBytes(32), randomBytes(32)]
  t.same(new Peppers([two, one]).ids, [...new Peppers([one, two]).ids].reverse())
  t.not(new Peppers([one]).ids[0], new Peppers([two]).ids[0])
  t.notOk(one.toString('hex').includes(new Peppers([one]).ids[0] ?? one.toString('hex')))
})

t.test('without a pepper there is nothing to look up', async (t) => {
  t.equal(new Peppers([]).isEmpty, true)
  t.same(new Peppers([]).lookupOf('sk_live_x'), [])
})
