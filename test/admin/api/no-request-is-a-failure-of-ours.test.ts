import fc from 'fast-check'
import t from 'tap'
import { holds } from '../../properties/property.ts'
import { type DocumentedOperation, document, operations } from './document.ts'
import { startApi } from './support.ts'

// Requests that nearly fit, and some that don't at all, to every operation there is. Statuses and bodies must be as
// documented, which `call` sees to, and none may be a 5xx or leave a line at level error.

const api = await startApi(t)
const ids: number[] = []
for (let i = 0; i < 5; i++) ids.push((await api.create({ name: `fuzzed ${i}` })).apiKey.id)

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', ' ', '\0', '%', '_', '\\', "'", '"', '\ud83d', '\u{feff}', '../..', '*', '$1', 'null', '-1', '0', '1', 'NaN', '1e309', '0x10', '9007199254740993', '99999999999999999999', 'inventory:read',
    'ada@example.com', 'a@b', '2030-01-31T12:00:00Z', '2030-01-31', '0001-01-01', '9999-12-31', '2030-02-31T00:00:00Z', 'infinity', '90d', '0s', '1ms', 'live', 'sk_live_', 'x'.repeat(300), 'key.created', 'active', 'ndjson', '4xx')
)
const anything = fc.anything({ key: text, values: [text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.maxSafeInteger()], maxDepth: 3 })

/** Of a schema: mostly what fits. */
function valueOf (schema: any): fc.Arbitrary<unknown> {
  if (schema?.$ref !== undefined) return valueOf(document.components.schemas[schema.$ref.split('/').at(-1)])
  return fc.oneof({ weight: 5, arbitrary: fittingOf(schema) }, { weight: 1, arbitrary: anything })
}

function fittingOf (schema: any): fc.Arbitrary<unknown> {
  if (schema?.enum !== undefined) return fc.constantFrom(...schema.enum)
  const type = [schema?.type].flat()
  if (type.includes('object') && schema.properties !== undefined) {
    const required = Object.keys(schema.properties).filter(name => schema.required?.includes(name))
    const known = fc.record(Object.fromEntries(Object.entries(schema.properties).map(([name, part]) => [name, valueOf(part)])), { requiredKeys: required })
    return fc.oneof({ weight: 6, arbitrary: known }, { weight: 1, arbitrary: fc.tuple(known, fc.dictionary(text, anything, { maxKeys: 2 })).map(([one, other]) => ({ ...one, ...other })) })
  }
  if (type.includes('object')) return fc.dictionary(text, anything, { maxKeys: 4 })
  if (type.includes('array')) return fc.array(valueOf(schema.items), { maxLength: 4 })
  if (type.includes('integer')) return fc.oneof(fc.constantFrom(...ids, 0, -0, 1, 50, Number.MAX_SAFE_INTEGER), fc.integer())
  if (type.includes('boolean')) return fc.boolean()
  if (schema?.format === 'date-time') return fc.oneof(fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') }).map(date => date.toISOString()), text)
  if (schema?.pattern !== undefined) return fc.oneof(fc.stringMatching(new RegExp(schema.pattern)), text)
  return text
}

function requestOf (operation: DocumentedOperation): fc.Arbitrary<{ path: string, body: unknown, raw: string | null, type: string, headers: Record<string, string> }> {
  const parametersIn = (place: string) => Object.fromEntries(operation.parameters.filter(parameter => parameter.in === place).map(({ name, schema }) => [name, valueOf(schema)]))
  const schema = operation.requestBody?.content['application/json']?.schema
  return fc.record({
    id: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: text }),
    query: fc.record(parametersIn('query'), { requiredKeys: [] }),
    more: fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(fc.tuple(text, text), { maxLength: 3 }) }),
    headers: fc.record(parametersIn('header'), { requiredKeys: [] }),
    body: schema === undefined ? fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anything }) : valueOf(schema),
    raw: fc.oneof({ weight: 12, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: text }),
    type: fc.constantFrom(...Array.from({ length: 9 }, () => 'application/json'), ...Object.keys(operation.requestBody?.content ?? {}), 'text/plain'),
  }).map(({ id, query, more, headers, body, raw, type }) => {
    const search = new URLSearchParams([...Object.entries(query).map(([name, value]) => [name, asText(value)]), ...more] as [string, string][]).toString()
    const segment = encodeURIComponent(asText(id).replace(/[\ud800-\udfff]/g, '?')) || '0'
    return {
      path: operation.path.replace('{id}', segment === '.' || segment === '..' ? '0' : segment) + (search === '' ? '' : `?${search}`),
      body,
      raw,
      type,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, asText(value).replace(/[^!-~ ]/g, '?').trim()])),
    }
  })
}

function asText (value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value) ?? ''
}

for (const operation of operations) {
  holds(t, `whatever is asked of ${operation.operationId}`, 60, fc.asyncProperty(requestOf(operation), async ({ path, body, raw, type, headers }) => {
    const json = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const sends = operation.method !== 'GET' && json !== undefined
    const { status, text: answered } = await api.call(operation.method, path, sends ? { text: json, headers: { ...headers, 'content-type': type } } : { headers })
    if (status >= 500) throw new Error(`${status} ${answered}`)
    const errors = api.errorsLogged()
    if (errors.length > 0) throw new Error(errors[0])
    api.gateway.logs.length = 0
    // Whatever was deleted.
    if (operation.operationId === 'deleteKey' && status === 204) ids.splice(0, ids.length, ...(await Promise.all(ids.map(async () => (await api.create()).apiKey.id))))
  }))
}
