import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'
import { faultsOf, minimal } from '../config/faults.ts'

t.test('the configuration file has no place for a secret', async t => {
  for (const sections of [
    'admin: { token: "a-token-of-24-characters" }', 'admin: { adminToken: "a-token-of-24-characters" }', 'keys: { pepper: "abc" }', 'keys: { keys: ["sk_live_x"] }',
    'database: { url: "postgres://u:p@h/d" }', 'DATABASE_URL: "postgres://u:p@h/d"', 'LATCHKEY_KEY_PEPPER: abc', 'secrets: {}',
  ]) {
    t.match(faultsOf(minimal({ sections })).join('\n'), /unknown|is not a setting|not known/i, sections)
  }
  t.equal(faultsOf(minimal().replace('http://127.0.0.1:9000', 'http://user:password@127.0.0.1:9000')).length, 1, 'nor has a target')
  t.strictSame(faultsOf(minimal()), [])
})

t.test('who holds the file in force knows the routes, and can use no route that wants a key', async t => {
  const upstream = await startUpstream(t)
  const { gateway, url } = await startFront(t, upstream.url)
  const text = readFileSync(gateway.configFile, 'utf8')
  for (const secret of [gateway.pepper.toString('hex'), new URL(gateway.database.url).password]) t.notOk(text.includes(secret))
  for (const word of new Set(text.split(/[\s,"'{}[\]]+/).filter(Boolean))) t.equal((await send(url, { headers: { 'x-api-key': word } })).status, 401)
  t.notMatch(readFileSync(path.join(import.meta.dirname, '../../config/gateway.yaml'), 'utf8'), /(?:token|pepper|password|secret)\s*:/i)
})
