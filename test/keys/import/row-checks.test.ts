import t from 'tap'
import { objectRow } from '../../../src/keys/import/csv-rows.ts'
import { checkRow } from '../../../src/keys/import/row-checks.ts'
import { madeUpHash, row } from './support.ts'

const rules = { brand: 'sk', environments: ['live', 'test'] }
const check = (fields: Record<string, unknown>) => checkRow(objectRow(row(fields), 5), rules)
const faultsOf = (fields: Record<string, unknown>): string[] => {
  const checked = check(fields)
  return Array.isArray(checked) ? checked.map(({ field, detail }) => `${field}: ${detail}`) : []
}

t.test('a row without faults', async (t) => {
  const keyHash = madeUpHash()
  t.strictSame(check({ userId: '5F0C6F3E-7D0A-4F43-9A5E-0F6D4C1F2B11', keyHash, name: ' One ', scopes: ['b', 'a', 'b'] }), {
    line: 5,
    user: '5f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b11',
    keyHash,
    prefix: 'acme_a1b2',
    name: 'One',
    description: null,
    scopes: ['b', 'a'],
    environment: null,
    isActive: true,
    expiresAt: null,
    createdAt: null,
    lastUsedAt: null,
    revokedAt: null,
    metadata: null,
  })
})

t.test('all that may be left out', async (t) => {
  t.match(check({
    description: 'why',
    environment: 'test',
    expiresAt: '2001-02-03T04:05:06.789012+02:00',
    isActive: false,
    createdAt: '2001-02-03 04:05:06+00',
    lastUsedAt: '2001-02-03T04:05Z',
    revokedAt: '2001-02-03 04:05:06.5-0330',
    metadata: { team: 'a' },
  }), {
    description: 'why',
    environment: 'test',
    expiresAt: '2001-02-03T04:05:06.789012+02:00',
    isActive: false,
    createdAt: '2001-02-03T04:05:06+00:00',
    lastUsedAt: '2001-02-03T04:05:00Z',
    revokedAt: '2001-02-03T04:05:06.5-03:30',
    metadata: { team: 'a' },
  })
  t.match(check({ expiresAt: 'infinity' }), { expiresAt: null })
  t.match(check({ revokedAt: '2001-01-01T00:00:00Z', isActive: true }), { isActive: false }, 'a revoked key is as revoking leaves it')
  t.match(check({ keyPrefix: 'sk_test_a1B2' }), { environment: 'test' }, 'of our brand, the prefix has the environment')
  for (const keyPrefix of ['sk_test_a1B2...', 'x', 'sk_test', 'other_prod_a', '#$%&']) t.notOk(Array.isArray(check({ keyPrefix })), keyPrefix)
})

t.test('bcrypt hashes of three names and nine costs', async (t) => {
  for (const variant of ['2a', '2b', '2y']) {
    for (const cost of ['04', '05', '06', '07', '08', '09', '10', '11', '12']) t.strictSame(faultsOf({ keyHash: madeUpHash(variant, cost) }), [])
  }
})

t.test('any other hash, and what is wrong with it', async (t) => {
  const hash = madeUpHash()
  for (const [keyHash, says] of [
    ['sk_live_0123456789ABCDEFGHIJ', /is not a bcrypt hash/],
    ['5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8', /looks like SHA-256/],
    ['$argon2id$v=19$m=65536$x', /Argon2/],
    [madeUpHash('2x'), /variant, \$2x\$/],
    ['$2$10$' + hash.slice(7), /variant, \$2\$/],
    [madeUpHash('2b', '03'), /has the cost 3, which bcrypt does not know/],
    [madeUpHash('2b', '32'), /has the cost 32, which bcrypt does not know/],
    [madeUpHash('2b', '13'), /has the cost 13, which would take about 448 ms at each first use: 12 is the most/],
    [madeUpHash('2b', '16'), /about 4 s/],
    [madeUpHash('2b', '31'), /about 1957 min/],
    [hash.slice(0, 59), /has 59 characters/],
    [`${hash}x`, /has 61 characters/],
    [`${hash.slice(0, 30)}!${hash.slice(31)}`, /base64/],
    [`${hash.slice(0, 28)}/${hash.slice(29)}`, /no key could match/],
    [`${hash.slice(0, 59)}/`, /no key could match/],
  ] as const) {
    const [fault = '', ...others] = faultsOf({ keyHash })
    t.match(fault, says)
    t.strictSame(others, [])
    t.notOk(fault.includes(keyHash.slice(8)), 'the value is not repeated')
  }
})

t.test('everything that can be wrong, all at once', async (t) => {
  t.match(faultsOf({
    userId: 'ada',
    name: ' ',
    scopes: ['a:b', 'A:B', 7, ''],
    keyHash: null,
    keyPrefix: '',
    description: 7,
    environment: 'staging',
    expiresAt: '2030-01-31',
    isActive: 'yes',
    createdAt: '2090-01-01T00:00:00Z',
    lastUsedAt: '2001-02-30T00:00:00Z',
    revokedAt: '2001-01-01T00:00:00',
    metadata: [],
  }).toSorted(), [
    /^createdAt: lies in the future/, /^description: must be a text/, /^environment: must be one that the configuration admits: live, test/,
    /^expiresAt: must be a time in ISO 8601 with its zone/, /^isActive: must be true or false/, /^keyHash: is missing/, /^keyPrefix: is missing/,
    /^lastUsedAt: must be a time/, /^metadata: must be an object/, /^name: must have 1 to 255 characters/, /^revokedAt: must be a time/,
    /^scopes\.1: is not a scope, and would grant nothing/, /^scopes\.2: /, /^scopes\.3: /, /^userId: is neither/,
  ])
})

t.test('more that can be wrong', async (t) => {
  for (const [fields, says] of [
    [{ name: 'x'.repeat(256) }, /^name: /],
    [{ name: 'a\ud800' }, /^name: is not valid Unicode/],
    [{ name: 7 }, /^name: must be a text/],
    [{ scopes: 'a:b' }, /^scopes: must be a list/],
    [{ description: 'a\0b' }, /^description: must not hold a NUL/],
    [{ metadata: 'x' }, /^metadata: must be an object/],
    [{ metadata: { a: 'x'.repeat(17_000) } }, /^metadata: must have at most 16384 bytes/],
    [{ metadata: { a: '\0' } }, /^metadata: must hold neither a NUL/],
    [{ metadata: { a: '\udc00' } }, /^metadata: must hold neither/],
    [{ keyPrefix: 'sk_prod_a1B2' }, /^keyPrefix: is that of keys for an environment that the configuration does not admit/],
    [{ keyPrefix: '...' }, /^keyPrefix: must be the beginning/],
    [{ keyPrefix: 'ä' }, /^keyPrefix: must be the beginning/],
    [{ keyPrefix: 'a b' }, /^keyPrefix: must be the beginning/],
    [{ expiresAt: '0000-01-01T00:00:00Z' }, /^expiresAt: must be a time/],
    [{ expiresAt: '2001-01-01T25:00:00Z' }, /^expiresAt: must be a time/],
    [{ createdAt: 'infinity' }, /^createdAt: must be a time/],
  ] as const) t.match(faultsOf(fields), [says], JSON.stringify(fields))
  t.strictSame(faultsOf({ metadata: { a: 'the text \\u0000, and 😀' } }), [], 'what only looks like an escape is none')
})

t.test('a key itself is recognised wherever it stands, and never repeated', async (t) => {
  const own = 'sk_live_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZab'
  const foreign = 'acme_a1b2Xy7Zq9Xw77'
  for (const [fields, field] of [
    [{ keyPrefix: own }, 'keyPrefix'], [{ keyPrefix: own.slice(0, 21) }, 'keyPrefix'],
    [{ name: `key ${own}` }, 'name'], [{ description: `(${foreign})` }, 'description'], [{ metadata: { old: [foreign] } }, 'metadata'],
    [{ keyPrefix: 'acme_a1b2...', description: foreign }, 'description'],
    [{ scopes: [own] }, 'scopes'], [{ userId: foreign }, 'userId'], [{ environment: own }, 'environment'], [{ id: own }, ''], [{ key_lookup: foreign }, ''],
  ] as const) {
    const faults = faultsOf(fields)
    t.ok(faults.some((fault) => fault.startsWith(`${field}: ${field === 'keyPrefix' ? 'is longer than 20' : 'seems to hold a key'}`)), `${field}: ${faults.join()}`)
    t.notMatch(faults.join('\n'), /Xy7Z|0123456789ABC/, 'it is not repeated')
  }
  for (const fields of [{ description: 'of acme_a1b2, see acme_a1b2...' }, { keyPrefix: 'a', description: 'abracadabra-abracadabra' }, { keyPrefix: 'acme_', name: 'acme_team' }, { keyPrefix: 'acme_', name: 'acme_Reporting_job_2024' }]) {
    t.strictSame(faultsOf(fields), [], JSON.stringify(fields))
  }
})
