import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { followGuide } from './guide.ts'
import { readPage } from './markdown.ts'

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly summary: string, readonly 'x-latchkey-rights': string }>>>>
}

t.test('api.md, done as it says, shows what it says', async t => {
  const { url } = await createDatabase(t)
  await followGuide(t, { page: 'api.md', after: [{ page: 'getting-started.md', upTo: '## A key' }], env: { DATABASE_URL: url }, ports: [3000, 8080, 8081] })
})

t.test('its table has each call of the API, with its summary and the right that it takes', async t => {
  const { paths } = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../docs/openapi.json'), 'utf8')) as OpenApi
  const calls = Object.entries(paths).flatMap(([path, calls]) => Object.entries(calls).map(([method, call]) => [`${method.toUpperCase()} ${path}`, call.summary, call['x-latchkey-rights']]))
  const rows = [...readPage('api.md').matchAll(/^\| `([A-Z]+ \/\S+)` \| (.+) \| (read|write) \|$/gm)].map(([, ...cells]) => cells)
  t.same(rows, calls)
})
