import { type ProblemCode, problems } from '../../errors.ts'
import { components, type Spec, specs } from './specs/index.ts'

/** Where something is wrong with the request, the token or the gateway, whatever was asked. */
const everywhere: readonly ProblemCode[] = ['bad_request', 'unauthorized', 'admin_disabled', 'too_many_failures', 'internal_error', 'key_store_unavailable']

/** The text of docs/openapi.json: OpenAPI 3.1, made of specs/. `version` is the product's. */
export function openApiDocument (version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [id, spec] of Object.entries<Spec>(specs)) (paths[spec.path] ??= {})[spec.method] = operationOf(id, spec)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey admin API',
      version,
      description: 'Keys, their use, and the routes in force. On the admin listener, which is not the one that clients use. Every refusal is a problem (RFC 9457) whose `code` never changes.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The admin listener.' }],
    security: [{ token: [] }],
    tags: [
      { name: 'Keys', description: 'Made, changed, rotated, ended.' },
      { name: 'Usage', description: 'Who used what.' },
      { name: 'Gateway', description: 'What this gateway does.' },
    ],
    paths,
    components: {
      schemas: components,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'LATCHKEY_ADMIN_TOKEN, or a token made by `latchkey tokens create`. Calls with `x-latchkey-rights: write` need one with the right write.' } },
    },
  }
}

function operationOf (id: string, spec: Spec): object {
  return {
    operationId: id,
    tags: [spec.tag],
    summary: spec.summary,
    ...spec.description === undefined ? {} : { description: spec.description },
    'x-latchkey-rights': spec.rights,
    ...spec.bodyBytesMax === undefined ? {} : { 'x-latchkey-body-bytes-max': spec.bodyBytesMax },
    parameters: [...parametersOf('path', spec.params), ...parametersOf('query', spec.query), ...parametersOf('header', spec.headers)],
    ...spec.body === undefined ? {} : { requestBody: requestBodyOf(spec) },
    responses: { [spec.status]: answerOf(spec), ...problemsOf(spec) },
  }
}

function parametersOf (place: 'path' | 'query' | 'header', schema: Spec['params']): object[] {
  const { properties = {}, required = [] } = (schema ?? {}) as { properties?: Record<string, { description?: string, example?: unknown }>, required?: string[] }
  return Object.entries(properties).map(([name, { description, example, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...description === undefined ? {} : { description },
    schema: property,
    ...example === undefined ? {} : { example },
  }))
}

function requestBodyOf ({ body, example, textBodies = [], isBodyOptional = false }: Spec): object {
  return {
    required: !isBodyOptional,
    content: {
      'application/json': { schema: body, ...example === undefined ? {} : { example } },
      ...Object.fromEntries(textBodies.map((type) => [type, { schema: { type: 'string' } }])),
    },
  }
}

function answerOf ({ answer, schema, types, hasETag = false, status }: Spec): object {
  const headers = {
    ...hasETag ? { ETag: { description: 'Of the key, for If-Match.', schema: { type: 'string' } } } : {},
    ...status === 201 ? { Location: { description: 'Where it is.', schema: { type: 'string' } } } : {},
  }
  return {
    description: answer,
    ...Object.keys(headers).length === 0 ? {} : { headers },
    ...schema === undefined ? {} : { content: { 'application/json': { schema } } },
    ...types === undefined ? {} : { content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }])) },
  }
}

function problemsOf ({ method, rights, problems: more = [] }: Spec): Record<string, object> {
  const codes = [...everywhere, ...rights === 'write' ? ['read_only_token'] as const : [], ...method === 'get' ? [] : ['body_too_large', 'unsupported_media_type'] as const, ...more]
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of codes) byStatus.set(problems[code].status, [...byStatus.get(problems[code].status) ?? [], code])
  return Object.fromEntries([...byStatus].sort(([one], [other]) => one - other).map(([status, codes]) => [status, {
    description: codes.map((code) => `\`${code}\`: ${problems[code].detail}`).join(' '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }]))
}

/** The text of openapi.generated.ts, which the gateway reads in place of specs/: TypeBox takes a quarter of a second to load. */
export function generatedModule (document: object): string {
  const json = JSON.stringify(JSON.stringify(document)).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `// Made by npm run openapi, from specs/.\nexport const openApiText = '${json}'\n`
}
