import t from 'tap'
import { Peppers } from '../../../src/keys/digest.ts'
import { createDatabase } from '../../support/postgres.ts'
import { randomPeppers } from '../support.ts'
import { importRows, madeUpHash, row, type TestImport } from './support.ts'

const database = await createDatabase(t)
const warningsOf = async (rows: readonly unknown[], options: TestImport = {}) => (await importRows(database, rows, { dryRun: true, ...options })).warnings
const peppers = new Peppers(randomPeppers())

t.test('keys made elsewhere, while the checksum is required', async (t) => {
  const foreign = [row(), row()]
  t.match(await warningsOf(foreign, { peppers }), [/^2 keys were made elsewhere.*refused as invalid_key until keys\.checksum is optional$/, /first use/])
  t.match(await warningsOf([...foreign, row({ keyPrefix: 'sk_live_a1B2' })], { peppers }), [/^2 keys were/, /^1 key has a prefix like this gateway's own: if Latchkey did not make it/, /first use/])
  for (const keyPrefix of ['sk_live_a1B', 'sk_live_a1B2C', 'sk_live_a-b2', 'pk_live_a1B2']) t.match((await warningsOf([row({ keyPrefix })], { peppers }))[0], /^1 key was made elsewhere/, keyPrefix)
  t.equal((await warningsOf(foreign, { peppers, config: { checksum: 'optional' } })).length, 1)
})

t.test('what first uses cost, with a pepper and without', async (t) => {
  const rows = ['04', '10', '10', '12'].map((cost) => row({ keyHash: madeUpHash('2b', cost) }))
  const config = { checksum: 'optional' } as const
  t.strictSame(await warningsOf(rows, { config, peppers }), [
    'The first use of a key takes bcrypt once (about 1 ms at cost 4, 56 ms at cost 10, 224 ms at cost 12, 337 ms of one processor for all of them); from then on it is found by its digest',
  ])
  t.match(await warningsOf(rows, { config }), [/^No pepper is set \(LATCHKEY_KEY_PEPPER\): each gateway takes bcrypt for the first use of a key after every start/])
})

t.test('many keys of one prefix', async (t) => {
  const config = { checksum: 'optional' } as const
  const keys = (count: number, keyPrefix: string) => Array.from({ length: count }, () => row({ keyPrefix }))
  t.equal((await warningsOf(keys(64, 'acme_'), { config })).length, 1)
  t.match(await warningsOf([...keys(65, 'acme_'), ...keys(40, 'b_...'), ...keys(40, 'b_')], { config }), [/^80 keys share the prefix b_, and 1 more prefixes are shared/, /pepper/])
})

t.test('of what isn’t imported there is nothing to warn', async (t) => {
  t.strictSame(await warningsOf([row({ name: '' })], { skipFaulty: true }), [])
  t.strictSame(await warningsOf([]), [])
})
