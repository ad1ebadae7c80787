import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js'

/** An operation as docs/openapi.json has it. */
export interface DocumentedOperation {
  readonly method: string
  /** `/v1/keys/{id}` */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters: readonly { readonly name: string, readonly in: 'path' | 'query' | 'header', readonly required: boolean, readonly description?: string, readonly schema: Record<string, unknown> }[]
  readonly requestBody?: { readonly required: boolean, readonly content: Record<string, { readonly schema: Record<string, unknown> }> }
  readonly responses: Record<string, DocumentedAnswer>
  readonly 'x-latchkey-rights': 'read' | 'write'
}

interface DocumentedAnswer {
  readonly description: string
  readonly headers?: Record<string, object>
  readonly content?: Record<string, { readonly schema: object }>
}

export interface ApiDocument {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Record<string, Record<string, Omit<DocumentedOperation, 'method' | 'path'>>>
  readonly components: { readonly schemas: Record<string, object> }
}

export const documentFile = join(import.meta.dirname, '../../../docs/openapi.json')
export const document = JSON.parse(readFileSync(documentFile, 'utf8')) as ApiDocument

export const operations: readonly DocumentedOperation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })))

/** The path of an operation, its parameters filled in. */
export function pathOf ({ path }: Pick<DocumentedOperation, 'path'>, id: number | string = 1): string {
  return path.replace('{id}', String(id))
}

/** Exact paths before those with a parameter, as the gateway has it. */
export function operationOf (method: string, path: string): DocumentedOperation | undefined {
  const [pathname] = path.split('?', 1)
  const asked = method === 'HEAD' ? 'GET' : method
  const template = Object.hasOwn(document.paths, pathname!) ? pathname! : Object.keys(document.paths).find(path => new RegExp(`^${path.replace('{id}', '[^/]+')}$`).test(pathname!))
  return operations.find(operation => operation.method === asked && operation.path === template)
}

export interface AnswerToCheck {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
}

/** What an answer has that the document hasn't: empty, where all is as documented. */
export function undocumentedIn (method: string, path: string, { status, headers, text }: AnswerToCheck): string[] {
  const operation = operationOf(method, path)
  const type = String(headers['content-type'] ?? '').split(';', 1)[0]!
  const faults: string[] = []
  if (operation === undefined) {
    if (status < 400) faults.push(`${status} from what is no operation`)
    return [...faults, ...problemFaults(text, type, status, headers, method)]
  }
  const answer = operation.responses[status]
  if (answer === undefined) return [`status ${status}: ${text.slice(0, 500)}`]
  if (status >= 400) {
    faults.push(...problemFaults(text, type, status, headers, method))
    const code = method === 'HEAD' ? null : codeIn(text)
    if (code !== null && !answer.description.includes(`\`${code}\``)) faults.push(`the code ${code} with ${status}`)
    return faults
  }
  for (const name of Object.keys(answer.headers ?? {})) if (headers[name.toLowerCase()] === undefined) faults.push(`no header ${name}`)
  if (answer.content === undefined) return text === '' ? faults : [...faults, 'a body']
  const content = answer.content[type]
  if (content === undefined) return [...faults, `the type ${type}`]
  if (type !== 'application/json' || method === 'HEAD') return faults
  return [...faults, ...schemaFaults(content.schema, JSON.parse(text))]
}

function problemFaults (text: string, type: string, status: number, headers: AnswerToCheck['headers'], method: string): string[] {
  if (type !== 'application/problem+json') return [`the type ${type}`]
  if (method === 'HEAD') return []
  const problem = JSON.parse(text) as { status: number, requestId: string }
  return [
    ...schemaFaults({ $ref: '#/components/schemas/Problem' }, problem),
    ...problem.status === status ? [] : [`status ${problem.status} in the body of a ${status}`],
    ...problem.requestId === headers['x-request-id'] ? [] : ['another request id than in the header'],
    ...status === 503 || status === 429 ? headers['retry-after'] === undefined ? ['no Retry-After'] : [] : [],
  ]
}

function codeIn (text: string): string {
  return String((JSON.parse(text) as { code: unknown }).code)
}

const ajv = new Ajv({ allErrors: true, strict: false, verbose: true })
// As the gateway writes it, and nothing else.
ajv.addFormat('date-time', text => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text)
ajv.addFormat('uuid', /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/)
ajv.addSchema({ $id: 'document', components: closed(document.components) as object })

export function schemaFaults (schema: object, value: unknown): string[] {
  const absolute = JSON.parse(JSON.stringify(closed(schema)).replaceAll('"#/components', '"document#/components')) as object
  const validate = ajv.compile(absolute)
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message, params, data }) => `${instancePath} ${message} ${JSON.stringify(params)} but is ${JSON.stringify(data)?.slice(0, 100)}`)
}

/** With members that aren't documented refused, wherever any are. */
function closed (schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const members = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]))
  return 'properties' in members && 'type' in members && !('additionalProperties' in members) ? { ...members, additionalProperties: false } : members
}
