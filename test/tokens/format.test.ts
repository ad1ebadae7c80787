import { createHash } from 'node:crypto'
import t from 'tap'
import { redactKeys } from '../../src/keys/format.ts'
import { generateToken, isToken, tokenHashOf, tokenPrefixOf } from '../../src/tokens/format.ts'

t.test('a token is of the published form, has its checksum, and is no other', async t => {
  const token = generateToken()
  t.match(token, /^latchkey_admin_[0-9A-Za-z]{38}$/)
  t.ok(isToken(token))
  t.not(generateToken(), token)
  t.equal(tokenPrefixOf(token), token.slice(0, 19))
  t.same(tokenHashOf(token), createHash('sha256').update(token).digest())
})

t.test('what was mistyped, cut or is something else is told without a look-up', async t => {
  const token = generateToken()
  const mistyped = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
  for (const text of ['', 'latchkey_admin_', mistyped, token.slice(0, -1), `${token}0`, ` ${token}`, `${token}\n`, token.toUpperCase(), token.replace('latchkey_admin', 'sk_live')]) {
    t.notOk(isToken(text), text)
  }
})

t.test('whatever redacts keys redacts it', async t => {
  const token = generateToken()
  for (const text of [token, `Bearer ${token}`, encodeURIComponent(`"${token}"`)]) {
    t.match(redactKeys(text), `${tokenPrefixOf(token)}…`)
    t.notMatch(redactKeys(text), token.slice(19))
  }
})
