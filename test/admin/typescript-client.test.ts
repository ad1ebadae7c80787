import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import openapiTypescript, { astToString } from 'openapi-typescript'
import t from 'tap'
import { documentFile } from './api/document.ts'
import { adminToken, startApi } from './api/support.ts'

const run = promisify(execFile)
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')

const program = `
import createClient from 'openapi-fetch'
import type { components, paths } from './api.js'

type ApiKey = components['schemas']['ApiKey']
const client = createClient<paths>({ baseUrl: process.argv[2]!, headers: { authorization: \`Bearer \${process.argv[3]}\` } })

const made = await client.POST('/v1/keys', {
  params: { header: { 'idempotency-key': 'client-1' } },
  body: { userId: 'ada@example.com', name: 'from the client', scopes: ['inventory:read'], expiresIn: '90d', metadata: { plan: 'free' } },
})
if (made.error !== undefined) throw new Error(made.error.detail)
const apiKey: ApiKey = made.data.apiKey
const status: 'active' | 'disabled' | 'revoked' | 'expired' = apiKey.status

const listed: ApiKey[] = []
let cursor: string | null | undefined
do {
  const { data, error } = await client.GET('/v1/keys', { params: { query: { limit: 1, status: 'active', ...cursor ? { cursor } : {} } } })
  if (error !== undefined) throw new Error(error.code)
  listed.push(...data.data)
  cursor = data.nextCursor
} while (cursor !== null)

const params = { path: { id: apiKey.id } }
const changed = await client.PATCH('/v1/keys/{id}', { params: { ...params, header: { 'if-match': made.response.headers.get('etag')! } }, body: { description: null, name: 'renamed' } })
const stale = await client.PATCH('/v1/keys/{id}', { params: { ...params, header: { 'if-match': made.response.headers.get('etag')! } }, body: { name: 'too late' } })
const rotated = await client.POST('/v1/keys/{id}/rotate', { params, body: { gracePeriod: '1h' } })
const earlier: string | undefined = rotated.data?.apiKey.earlierSecrets[0]?.expiresAt
const usage = await client.GET('/v1/keys/{id}/usage', { params })
const p95: number | undefined = usage.data?.totals.latencyMs?.p95
const verdict = await client.POST('/v1/explain', { body: { method: 'GET', path: '/inventory/1', scopes: null } })
const faulty = await client.POST('/v1/keys', { body: { userId: 'nobody', name: '', scopes: ['X'] } })
const fields = faulty.error?.errors?.map(({ field }) => field)
const deleted = await client.DELETE('/v1/keys/{id}', { params })
const gone = await client.GET('/v1/keys/{id}', { params })

// What the types must refuse.
// @ts-expect-error a field that there isn't
const wrong1: components['schemas']['NewKey'] = { userId: 'a', name: 'b', scopes: [], ipAllowlist: [] }
// @ts-expect-error name is needed
const wrong2: components['schemas']['NewKey'] = { userId: 'a', scopes: [] }
// @ts-expect-error no such status
const wrong3: ApiKey['status'] = 'paused'
// @ts-expect-error it may be null
const wrong4: string = apiKey.expiresAt
// @ts-expect-error a path without its parameter
const wrong5 = () => client.GET('/v1/keys/{id}')
// @ts-expect-error no such path
const wrong6 = () => client.GET('/v1/key')

console.log(JSON.stringify({
  key: made.data.key, status, listed: listed.map(({ id }) => id), id: apiKey.id, changed: changed.data, stale: stale.error?.code, rotated: rotated.data, earlier, p95, verdict: verdict.data,
  faulty: faulty.error?.code, fields, deleted: deleted.response.status, gone: gone.error?.code, unused: [wrong1, wrong2, wrong3, wrong4, wrong5, wrong6].length,
}))
`

t.test('a client of types that are made of the document compiles, and works', async t => {
  const api = await startApi(t)
  // Within this checkout, whose modules it finds.
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'program.ts': program,
    'tsconfig.json': JSON.stringify({
      compilerOptions: { target: 'es2022', lib: ['es2023', 'dom'], module: 'nodenext', types: ['node'], strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: true, outDir: 'out' },
      files: ['program.ts'],
    }),
  })
  writeFileSync(join(folder, 'api.d.ts'), astToString(await openapiTypescript(readFileSync(documentFile, 'utf8'))))
  await run(process.execPath, [compiler, '-p', folder]).catch((err: { stdout: string }) => { throw new Error(err.stdout) })
  const { stdout } = await run(process.execPath, [join(folder, 'out/program.js'), api.url, adminToken])
  const result = JSON.parse(stdout)
  t.match(result, {
    key: /^sk_live_/,
    status: 'active',
    listed: [result.id],
    changed: { name: 'renamed', description: null },
    stale: 'precondition_failed',
    rotated: { key: /^sk_live_/, apiKey: { id: result.id, name: 'renamed' } },
    earlier: /^\d{4}-/,
    verdict: { status: 401, code: 'missing_key' },
    faulty: 'bad_request',
    fields: ['name', 'scopes.0'],
    deleted: 204,
    gone: 'key_not_found',
  })
  t.not(result.rotated.key, result.key)
})
