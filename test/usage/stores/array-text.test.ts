import t from 'tap'
import { numbersText, textsText } from '../../../src/usage/stores/array-text.ts'
import { createDatabase } from '../../support/postgres.ts'

const odd = ['', ' ', 'null', 'NULL', '"', '\\', '\\n', '\n', '\r\n\t\b\f', '\x01\x1f\x7f', '{}', ',', 'a,b', "'", 'ä', '😀', '\u2028', 'plain', null]

t.test('Postgres reads what was put in', async t => {
  const { pool } = await createDatabase(t)
  const textsOf = async (values: readonly (string | null)[]): Promise<unknown> =>
    (await pool.query<{ read: unknown }>('select $1::text[] as read', [textsText(values)])).rows[0]?.read
  for (const value of odd) t.same(await textsOf([value, 'next']), [value, 'next'], value === null ? 'null' : encodeURIComponent(value))
  t.same(await textsOf(odd), odd)
  t.same(await textsOf(['plain', null, 'a b']), ['plain', null, 'a b'])
  t.same(await textsOf([]), [])
  const numbers = [0, -1, 2_147_483_647, 9_007_199_254_740_991, 1_763_843_000_123.4]
  t.same((await pool.query<{ read: unknown }>('select $1::float8[] as read', [numbersText(numbers)])).rows[0]?.read, numbers)
  t.same((await pool.query<{ read: unknown }>('select $1::int[] as read', [numbersText([])])).rows[0]?.read, [])
})
