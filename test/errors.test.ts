import { readFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { problemBody, problems } from '../src/errors.ts'

t.test('docs/problems.md lists every code with its status', async t => {
  const text = await readFile(path.join(import.meta.dirname, '../docs/problems.md'), 'utf8')
  const listed: Record<string, number> = {}
  for (const [, codes, status] of text.matchAll(/^\| (`[^|]+`) \| (\d{3}) \|/gm)) {
    for (const [, code] of codes!.matchAll(/`(\w+)`/g)) listed[code!] = Number(status)
  }
  for (const [, code, status] of text.matchAll(/`(\w+)` \((\d{3})[:)]/g)) listed[code!] = Number(status)
  t.same(listed, Object.fromEntries(Object.entries(problems).map(([code, { status }]) => [code, status])))
})

t.test('a problem has the members of RFC 9457, and its own', async t => {
  t.same(JSON.parse(problemBody('insufficient_scope', 'the-id', { requiredScopes: ['a'] })), {
    type: 'urn:latchkey:problem:insufficient_scope',
    title: problems.insufficient_scope.title,
    status: 403,
    detail: problems.insufficient_scope.detail,
    code: 'insufficient_scope',
    requestId: 'the-id',
    requiredScopes: ['a'],
  })
})
