import { Buffer } from 'node:buffer'
import t from 'tap'
import { checksumOf, generateKey, keyPrefixOf, looksLikeBranded, parseKey, redactKeys } from '../../src/keys/format.ts'

const required = { brand: 'sk', checksum: 'required' } as const
const optional = { brand: 'sk', checksum: 'optional' } as const
const body = 'sk_live_0123456789ABCDEFGHIJKLMNOPQRSTUV'

t.test('the checksum is the CRC-32 of zlib in six base62 digits', async (t) => {
  // CRC-32's published check value, 0xcbf43926 = 3421780262, is [3, 45, 35, 27, 22, 14] in base 62.
  t.equal(checksumOf('123456789'), '3jZRME')
  t.equal(checksumOf(''), '000000', 'padded with zeros')
})

t.test('a generated key is of the published form and parses', async (t) => {
  const key = generateKey({ brand: 'sk', environment: 'live' })
  t.match(key, /^sk_live_[0-9A-Za-z]{38}$/)
  t.same(parseKey(key, required), { environment: 'live' })
  t.same(parseKey(generateKey({ brand: 'acme7', environment: 'staging9a' }), { brand: 'acme7', checksum: 'required' }), { environment: 'staging9a' })
})

t.test('no two generated keys are alike, and every digit occurs about equally often', async (t) => {
  const counts = new Map<string, number>()
  const keys = new Set<string>()
  for (let i = 0; i < 6200; i++) {
    const key = generateKey({ brand: 'sk', environment: 'live' })
    keys.add(key)
    for (const digit of key.slice(8, 40)) counts.set(digit, (counts.get(digit) ?? 0) + 1)
  }
  t.equal(keys.size, 6200)
  t.equal(counts.size, 62)
  // 3200 of each are expected, with a standard deviation of 56. A plain `byte % 62` would give the first eight 3875.
  for (const [digit, count] of counts) t.ok(Math.abs(count - 3200) < 6.5 * 56, `${digit}: ${count}`)
})

t.test('a brand and environment that would not fit the stored prefix make no key', async (t) => {
  t.throws(() => generateKey({ brand: 'longbrand', environment: 'staging' }), RangeError)
  t.throws(() => generateKey({ brand: 'SK', environment: 'live' }), RangeError)
  t.throws(() => generateKey({ brand: 'sk', environment: '' }), RangeError)
})

t.test('with the checksum required, junk is no key', async (t) => {
  const key = body + checksumOf(body)
  t.ok(parseKey(key, required))
  const junk = ['', 'x', body, `${key}0`, key.slice(0, -1), ` ${key}`, `${key}\n`, key.replace('sk_', 'pk_'), key.replace('live', 'Live'),
    key.replace('live', ''), `${key.slice(0, -1)}!`, 'a'.repeat(72), 'sk_live_é'.padEnd(46, '0')]
  for (const text of junk) t.equal(parseKey(text, required), null, JSON.stringify(text))
  for (let i = 8; i < key.length; i++) {
    const typo = key.slice(0, i) + (key[i] === '0' ? '1' : '0') + key.slice(i + 1)
    t.equal(parseKey(typo, required), null, `one wrong character at ${i}`)
  }
})

t.test('with the checksum optional, other systems’ keys are keys too', async (t) => {
  t.same(parseKey('sk_live_4eC39HqLyjWDarjtT1zdp7dc', optional), { environment: 'live' })
  t.same(parseKey(`${body}000000`, optional), { environment: 'live' }, 'a checksum of ours is not expected of them')
  t.same(parseKey('pk_live_4eC39HqLyjWDarjtT1zdp7dc', optional), { environment: null }, 'another brand')
  t.same(parseKey('3f2c6a1e-9f65-4a1c-8d2e-7b1b6c1f0a9d', optional), { environment: null })
  t.ok(parseKey('a'.repeat(16), optional))
  t.ok(parseKey('a'.repeat(72), optional))
  for (const text of ['', 'a'.repeat(15), 'a'.repeat(73), 'a'.repeat(20) + ' b', 'a'.repeat(20) + '\u0000', 'é'.repeat(20)]) {
    t.equal(parseKey(text, optional), null, JSON.stringify(text))
  }
})

t.test('a prefix shows brand, environment and four characters, and never more than half of a key', async (t) => {
  t.equal(keyPrefixOf(body + '000000'), 'sk_live_0123')
  const longest = generateKey({ brand: 'abcdefg', environment: 'stagin9' })
  t.equal(keyPrefixOf(longest), longest.slice(0, 20))
  t.equal(keyPrefixOf('3f2c6a1e-9f65-4a1c-8d2e-7b1b6c1f0a9d'), '3f2c6a1e-9f6')
  t.equal(keyPrefixOf('abcdefghijklmnop'), 'abcdefgh')
  t.equal(keyPrefixOf('sk_live_abcdefgh'), 'sk_live_')
})

t.test('a bearer is meant as a key when it begins like one', async (t) => {
  t.ok(looksLikeBranded(body + '000000', 'sk'))
  t.ok(looksLikeBranded('sk_live_typo', 'sk'))
  for (const text of ['eyJhbGciOiJIUzI1NiJ9.e30.abc', 'pk_live_abc', 'sk-abc', 'sk_live', 'sk_live_', 'xsk_live_abc', '']) {
    t.notOk(looksLikeBranded(text, 'sk'), text)
  }
})

t.test('what looks like a key is redacted, however it is spelt', async (t) => {
  const key = body + '000000'
  t.equal(redactKeys(`/files/${key}/x`), '/files/sk_live_0123…/x')
  t.equal(redactKeys(`/a/${key}/b/${key}`), '/a/sk_live_0123…/b/sk_live_0123…')
  t.equal(redactKeys(`/files/x${key}`), '/files/xsk_live_0123…')
  t.equal(redactKeys(`/files/${key.replaceAll('_', '%5f')}`), '/files/sk_live_0123…')
  t.equal(redactKeys('/' + [...Buffer.from(key)].map((octet) => `%${octet.toString(16)}`).join('')), '/sk_live_0123…')
  t.equal(redactKeys(`/files/${key}${key}`), '/files/sk_live_0123…_live_0123…', 'the first one ends with what the second begins with')
  t.equal(redactKeys(`/files/${key.replaceAll('_', '%255f')}`), '/files/sk_live_0123…')
  t.equal(redactKeys('/charge/sk_live_4eC39HqLyjWDarjtT1zdp7dc'), '/charge/sk_live_4eC3…')
  for (const path of ['/inventory/42', '/get_user_by_name/some_long_name_of_a_thing', '/a%20b/c_d_e', '/%E0%A4%A', '/my_new_blog-post-about-something']) {
    t.equal(redactKeys(path), path)
  }
})
