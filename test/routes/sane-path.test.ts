import t from 'tap'
import { insanity } from '../../src/routes/sane-path.ts'

const refused: [string, RegExp][] = [
  ['//', /empty segment/],
  ['/a//b', /empty segment/],
  ['/a;b', /holds ;/],
  ['/a\\b', /holds \\/],
  ['/a#b', /holds #/],
  ['/a?b', /holds \?/],
  ['/a b', /space/],
  ['/a\tb', /control/],
  ['/a\x00', /control/],
  ['/a\x7f', /control/],
  ['/\xe9', /8-bit/],
  ['/a%2fb', /encoded slash/],
  ['/a%5Cb', /encoded slash/],
  ['/a%00', /control/],
  ['/a%0d%0aX: y', /space/],
  ['/a%0D', /control/],
  ['/a%7F', /control/],
  ['/.', /segment/],
  ['/a/..', /segment/],
  ['/../a', /segment/],
  ['/a/%2e', /segment/],
  ['/a/%2E./b', /segment/],
  ['/a/%252e%252e/b', /segment/],
  ['/a/%252E./b', /segment/],
  ['/a%252fb', /encoded slash/],
  ['/a%25%32%66b', /encoded slash/],
  ['/a%255cb', /encoded slash/],
  ['/a%2500', /control/],
  ['/a%252541', /more than twice/],
]
for (const [path, reason] of refused) t.match(insanity(path), reason, JSON.stringify(path))

const accepted = [
  '/', '/a', '/a/', '/.a', '/a.', '/...', '/a..b', '/.well-known/x', '/a%20b', '/a%2520b', '/100%25', '/%2525', '/%C3%A9',
  '/a%3Bb', '/a%23', '/a%3F', '/a%2eb', '/a%2e', "/-_.~!$&'()*+,=:@", '/"<>^`{|}',
]
for (const path of accepted) t.equal(insanity(path), null, path)
