import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js'
import t from 'tap'
import { generatedModule, openApiDocument } from '../../src/admin/api/openapi.ts'
import { productVersion } from '../../src/config/version.ts'
import { problems } from '../../src/errors.ts'
import { document, documentFile, operations } from './api/document.ts'
import { startAdmin } from './support.ts'

const text = readFileSync(documentFile, 'utf8')

t.test('docs/openapi.json and what is made of it are current', async t => {
  const generated = openApiDocument(productVersion())
  t.equal(text, `${JSON.stringify(generated, null, 2)}\n`, 'else run: npm run openapi')
  t.equal(readFileSync(join(import.meta.dirname, '../../src/admin/api/openapi.generated.ts'), 'utf8'), generatedModule(generated), 'else run: npm run openapi')
})

t.test('the gateway serves that document to everybody', async t => {
  const { url } = await startAdmin(t)
  const response = await fetch(`${url}/openapi.json`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), 'application/json')
  t.same(await response.json(), JSON.parse(text))
})

t.test('it is valid OpenAPI 3.1, without a warning', async t => {
  t.match(document.openapi, /^3\.1\./)
  t.same(await problemsOf(text), [])
  for (const [name, schema] of Object.entries(document.components.schemas)) t.ok(new Ajv({ strict: false }).validateSchema(schema), name)

  const broken = {
    'a reference to nothing': text.replace('"#/components/schemas/Token"', '"#/components/schemas/Tokens"'),
    'a member that there isn\'t': text.replace('"operationId": "getToken"', '"operationID": "getToken"'),
    'a type that there isn\'t': text.replace('"type": "integer"', '"type": "int"'),
    '3.0\'s nullable': text.replace('"type": "integer"', '"type": "integer", "nullable": true'),
  }
  for (const [name, faulty] of Object.entries(broken)) t.not((await problemsOf(faulty)).length, 0, `${name} would be found`)
})

async function problemsOf (source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended-strict'] })
  const found = await lintFromString({ source, absoluteRef: documentFile, config })
  return found.map(({ ruleId, message, location }) => `${ruleId} at ${location[0]?.pointer}: ${message}`)
}

t.test('every operation says what a reader needs to know', async t => {
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  for (const { operationId, method, path, summary, parameters, requestBody, responses, ...operation } of operations) {
    t.match(operationId, /^[a-z]+[A-Za-z]+$/)
    t.match(summary, /^[A-Z].{5,}[^.]$/, operationId)
    t.ok(['read', 'write'].includes(operation['x-latchkey-rights']))
    t.same([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), parameters.filter(({ in: place }) => place === 'path').map(({ name }) => name))
    for (const { name, in: place, required, description = '', schema } of parameters) {
      t.equal(required, place === 'path', `${operationId}: ${name}`)
      t.ok(description.length > 5 || obvious.has(name), `${operationId}: ${name} is described`)
      t.ok('type' in schema || '$ref' in schema, `${operationId}: ${name} has a type`)
    }
    if (requestBody !== undefined) t.ok('application/json' in requestBody.content)
    t.equal(Object.keys(responses).filter(status => status.startsWith('2')).length, 1, operationId)
    for (const [status, { description, content }] of Object.entries(responses)) {
      t.ok(description.length > 3)
      if (status.startsWith('2')) continue
      t.same(content, { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } })
      const codes = [...description.matchAll(/`(\w+)`:/g)].map(([, code]) => code!)
      t.ok(codes.length > 0, `${operationId} ${status} names its codes`)
      for (const code of codes) t.equal(String(problems[code as keyof typeof problems]?.status), status, `${operationId} ${code}`)
    }
    t.same(['400', '401', '403', '429', '500', '503'].filter(status => !(status in responses)), [], operationId)
    if (method !== 'GET') t.same(['413', '415'].filter(status => !(status in responses)), [], operationId)
    if (path.includes('{id}')) t.ok('404' in responses, operationId)
  }
})

/** Parameters that need no words. */
const obvious = new Set(['limit', 'status', 'format', 'action'])

t.test('every schema is used', async t => {
  for (const name of Object.keys(document.components.schemas)) t.ok(text.includes(`"#/components/schemas/${name}"`), name)
})
