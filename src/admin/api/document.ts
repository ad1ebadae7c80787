import { openApiText } from './openapi.generated.ts'
import type { OperationId } from './specs/index.ts'

/** An operation, as it is read from the OpenAPI document. */
export interface Operation {
  readonly id: OperationId
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Fastify's: `/v1/keys/:id`. */
  readonly url: string
  readonly rights: 'read' | 'write'
  readonly status: number
  readonly parameters: readonly Parameter[]
  readonly body: { readonly isRequired: boolean, readonly schema: object, readonly textTypes: readonly string[] } | null
  readonly bodyBytesMax: number | null
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: { readonly type?: unknown }
}

interface Document {
  readonly paths: Record<string, Record<string, DocumentedOperation>>
  readonly components: { readonly schemas: Record<string, object> }
}

interface DocumentedOperation {
  readonly operationId: OperationId
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean, readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<string, unknown>
  readonly 'x-latchkey-rights': 'read' | 'write'
  readonly 'x-latchkey-body-bytes-max'?: number
}

export { openApiText }

/** With references as `Validation` has its schemas. */
export function readDocument (): Document {
  const document = JSON.parse(openApiText.replaceAll('"#/components/schemas/', '"components#/schemas/')) as Document
  // Whoever imports rows looks at each, and tells all faults by their lines: none of them is to keep all others out.
  const { Import } = document.components.schemas as { Import: { properties: { rows: { items: object } } } }
  Import.properties.rows.items = {}
  return document
}

export function operationsOf ({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { requestBody, ...operation }]): Operation => ({
    id: operation.operationId,
    method: method.toUpperCase() as Operation['method'],
    url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    rights: operation['x-latchkey-rights'],
    status: Number(Object.keys(operation.responses).find((status) => status.startsWith('2'))),
    parameters: operation.parameters,
    body: requestBody === undefined
      ? null
      : {
          isRequired: requestBody.required,
          schema: requestBody.content['application/json']!.schema,
          textTypes: Object.keys(requestBody.content).filter((type) => type !== 'application/json'),
        },
    bodyBytesMax: operation['x-latchkey-body-bytes-max'] ?? null,
  })))
}
