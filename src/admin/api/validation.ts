import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { isoTime } from '../../config/iso-time.ts'
import { nearest } from '../../config/nearest.ts'
import type { Operation, Parameter } from './document.ts'
import { type FieldFault, faultyRequest } from './failure.ts'

export interface Received {
  readonly params: Record<string, unknown>
  readonly query: Record<string, unknown>
  readonly headers: Record<string, unknown>
  readonly body: unknown
  /** Of a type that isn't JSON. */
  readonly isText: boolean
}

/** Beyond it, whoever writes JSON down again runs out of stack. */
const nestingMax = 100
/** Of the faults of one request, as many are told. */
const faultsMax = 100
/** Of a body that holds more, only the first fault is looked for: a list that is too long may have one in each place. */
const valuesMax = 10_000
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Checks requests by the schemas of the OpenAPI document, each compiled at its first use: what is documented is what holds. */
export class Validation {
  readonly #texts: Ajv
  readonly #values: Ajv
  readonly #largeValues: Ajv
  readonly #compiled = new Map<Ajv, Map<object, ValidateFunction>>()
  readonly #objects = new Map<readonly Parameter[], Partial<Record<Parameter['in'], object>>>()

  constructor (schemas: Record<string, object>) {
    const options = { allErrors: true, allowUnionTypes: true, verbose: true, useDefaults: true, meta: false, validateSchema: false, strict: false } as const
    this.#texts = withFormats(new Ajv(options))
    this.#values = withFormats(new Ajv(options)).addSchema({ schemas }, 'components')
    this.#largeValues = withFormats(new Ajv({ ...options, allErrors: false })).addSchema({ schemas }, 'components')
  }

  /** Returns what was received with defaults and types put in. Errors: ApiError, with all faults. */
  check ({ parameters, body }: Operation, received: Received): Omit<Received, 'isText'> {
    const params = meant(parameters, 'path', received.params)
    const query = meant(parameters, 'query', received.query)
    const headers = { ...received.headers }
    const faults = [
      ...nulFaults(query),
      ...this.#faults(this.#texts, this.#objectOf(parameters, 'path'), params),
      ...this.#faults(this.#texts, this.#objectOf(parameters, 'query'), query),
      ...this.#faults(this.#texts, this.#objectOf(parameters, 'header'), headers),
    ]
    if (body === null) {
      if (received.body !== undefined && received.body !== null && !isEmptyObject(received.body)) faults.push({ field: '', detail: 'takes no body' })
    } else if (received.body === undefined) {
      if (body.isRequired) faults.push({ field: '', detail: 'a JSON body is needed' })
    } else if (!received.isText) {
      faults.push(...this.#bodyFaults(body.schema, received.body))
    }
    if (faults.length > 0) throw faultyRequest(faults.slice(0, faultsMax))
    return { params, query, headers, body: received.body }
  }

  #bodyFaults (schema: object, body: unknown): FieldFault[] {
    const nesting = (): FieldFault[] => isNestedDeeper(body, nestingMax) ? [{ field: '', detail: `must be nested ${nestingMax} deep at most` }] : []
    const [one, other] = holdsMoreThan(valuesMax, body)
      // A list that is too long is not gone through.
      ? [() => this.#faults(this.#largeValues, schema, body), nesting]
      : [nesting, () => this.#faults(this.#values, schema, body)]
    const faults = one()
    return faults.length > 0 ? faults : other()
  }

  #faults (ajv: Ajv, schema: object, value: unknown): FieldFault[] {
    const compiled = this.#compiled.get(ajv) ?? new Map<object, ValidateFunction>()
    this.#compiled.set(ajv, compiled)
    let validate = compiled.get(schema)
    if (validate === undefined) compiled.set(schema, validate = ajv.compile(schema))
    return validate(value) ? [] : (validate.errors ?? []).slice(0, faultsMax).map(faultOf)
  }

  /** The parameters of one place, as an object's properties. */
  #objectOf (parameters: readonly Parameter[], place: Parameter['in']): object {
    const known = this.#objects.get(parameters)?.[place]
    if (known !== undefined) return known
    const own = parameters.filter((parameter) => parameter.in === place)
    const schema = {
      type: 'object',
      properties: Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
      required: own.filter(({ required }) => required).map(({ name }) => name),
      // A client sends headers that are none of ours.
      ...place === 'header' ? {} : { additionalProperties: false },
    }
    this.#objects.set(parameters, { ...this.#objects.get(parameters), [place]: schema })
    return schema
  }
}

function withFormats (ajv: Ajv): Ajv {
  return ajv.addFormat('date-time', isCommonTime).addFormat('uuid', uuid)
}

/** In years of four digits, also in UTC: answers have no others. */
function isCommonTime (text: string): boolean {
  const year = isoTime(text)?.getUTCFullYear() ?? 0
  return year > 0 && year < 10_000
}

/** What comes as text in an address, as what it stands for. Numbers are decimal: `0x10` is no way to write an id. */
function meant (parameters: readonly Parameter[], place: Parameter['in'], received: Record<string, unknown>): Record<string, unknown> {
  const values = { ...received }
  for (const { name, in: itsPlace, schema } of parameters) {
    const text = values[name]
    if (itsPlace !== place || typeof text !== 'string') continue
    if (schema.type === 'integer' && /^-?\d{1,30}$/.test(text)) values[name] = Number(text)
    if (schema.type === 'boolean' && /^(?:true|false)$/.test(text)) values[name] = text === 'true'
  }
  return values
}

/** Postgres takes no text with one. */
function nulFaults (query: Record<string, unknown>): FieldFault[] {
  return Object.entries(query).filter(([, text]) => String(text).includes('\0')).map(([field]) => ({ field, detail: 'must not hold a NUL character' }))
}

function isNestedDeeper (value: unknown, levels: number): boolean {
  return typeof value === 'object' && value !== null && (levels === 0 || partsOf(value).some(part => isNestedDeeper(part, levels - 1)))
}

/** Counts no further. */
function holdsMoreThan (values: number, body: unknown): boolean {
  const open = [body]
  for (let count = 0; open.length > 0;) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    const parts = partsOf(value)
    count += parts.length
    if (count > values) return true
    open.push(...parts)
  }
  return false
}

function partsOf (value: object): readonly unknown[] {
  return Array.isArray(value) ? value : Object.values(value)
}

function faultOf ({ instancePath, keyword, params, parentSchema, data, message }: ErrorObject): FieldFault {
  const field = instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')
  const below = (name: unknown): string => field === '' ? String(name) : `${field}.${name}`
  switch (keyword) {
    case 'required': return { field: below(params['missingProperty']), detail: 'is needed' }
    case 'additionalProperties': {
      const name = String(params['additionalProperty'])
      const meant = nearest(name, Object.keys(parentSchema?.['properties'] ?? {}))
      return { field: below(name), detail: meant === null ? 'is not known here' : `is not known here: did you mean ${meant}?` }
    }
    case 'type': return { field, detail: data === null ? 'must not be null' : `must be ${[params['type']].flat().map((type) => typeNames[String(type)] ?? type).join(' or ')}` }
    case 'enum': return { field, detail: `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}` }
    case 'pattern': return { field, detail: `must be ${meanings.get(String(params['pattern'])) ?? `as ${params['pattern']} has it`}` }
    case 'format': return { field, detail: params['format'] === 'date-time' ? 'must be a time in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z' : `must be a ${params['format']}` }
    case 'minimum': return { field, detail: `must be ${params['limit']} or more` }
    case 'maximum': return { field, detail: `must be ${params['limit']} or less` }
    case 'minLength': return { field, detail: params['limit'] === 1 ? 'must not be empty' : `must have ${params['limit']} characters or more` }
    case 'maxLength': return { field, detail: `must have ${params['limit']} characters or fewer` }
    case 'maxItems': return { field, detail: `must have ${params['limit']} entries or fewer` }
    case 'minProperties': return { field, detail: 'must not be empty' }
    default: return { field, detail: message ?? 'is not as it must be' }
  }
}

/** Of the patterns in the document. */
const meanings: ReadonlyMap<string, string> = new Map([
  ['^[0-9]{1,12}(ms|s|m|h|d)$', 'a whole number and a unit, such as 30m, 12h or 90d'],
  ['^(\\*|[a-z0-9._-]+(:[a-z0-9._-]+)*(:\\*)?)$', 'a scope: inventory:read, inventory:* or *, in a-z 0-9 . _ -'],
  ['^[0-9]{1,15}$', 'the nextCursor of the page before'],
  ['^[!-~]{1,255}$', '1 to 255 characters of printable ASCII, without spaces'],
  ['^/', 'a path, which begins with a slash'],
  ['^[A-Za-z][A-Za-z-]{0,19}$', 'a method, such as GET'],
  ['^[1-5](xx|[0-9]{2})$', 'a status such as 404, or a class such as 5xx'],
])

const typeNames: Readonly<Record<string, string>> = {
  object: 'an object', array: 'a list', string: 'text', integer: 'a whole number', number: 'a number', boolean: 'true or false', null: 'null',
}

function isEmptyObject (body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0
}
