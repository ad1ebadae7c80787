import { Ajv } from 'ajv'
import type { ErrorObject } from 'ajv'
import { grammars, meaningOf } from './grammar.ts'
import { nearest } from './nearest.ts'
import { configSchema } from './schema.generated.ts'
import type { ValuePath } from './yaml-source.ts'

/** A fault of a value, with the way to it. `part` says whether the value or its key is at fault. */
export interface ValueFault {
  readonly path: ValuePath
  readonly part: 'key' | 'value'
  readonly message: string
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a map', array: 'a list', string: 'text', integer: 'a whole number', number: 'a number', boolean: 'true or false',
}

/** Every way in which a value breaks the schema; the schema's defaults are filled into the value. */
export function schemaFaults (value: unknown): ValueFault[] {
  // Compiling the meta-schema to check our own schema would take most of the time, and stall a gateway that reloads.
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, verbose: true, useDefaults: true, meta: false, validateSchema: false })
  const validate = ajv.compile(configSchema)
  if (validate(value)) return []
  const faults: ValueFault[] = []
  for (const error of validate.errors ?? []) {
    const fault = isOfAnotherShape(error, value) ? null : describe(error)
    if (fault !== null) faults.push(fault)
  }
  return faults
}

function describe (error: ErrorObject): ValueFault | null {
  const path = pathOf(error.instancePath)
  const { keyword, params, parentSchema, data } = error
  const name = nameOf(path)
  const about = (message: string, part: 'key' | 'value' = 'value'): ValueFault => ({ path, part, message })
  switch (keyword) {
    case 'additionalProperties': return unknownKey(path, String(params.additionalProperty), Object.keys(parentSchema?.properties ?? {}))
    case 'required': return about(`${name} lacks ${params.missingProperty}`, 'key')
    case 'type':
      if (data === null && path.length > 0) return about(`${name} is empty: give it a value or leave it out`, 'key')
      return about(`${name} must be ${wanted(parentSchema) ?? TYPE_NAMES[String(params.type)] ?? params.type}`)
    case 'pattern': return about(`${name} must be ${meaningOf(String(params.pattern))}`)
    case 'enum': return about(`${name} must be ${(params.allowedValues as unknown[]).join(' or ')}`)
    case 'minimum': return about(`${name} must be ${params.limit} or more`)
    case 'maximum': return about(`${name} must be ${params.limit} or less`)
    case 'minItems': case 'minProperties': return about(`${name} must not be empty`)
    case 'uniqueItems': return { path: [...path, Math.max(Number(params.i), Number(params.j))], part: 'value', message: `${name} lists this twice` }
    // Its branches' own faults say more; see isOfAnotherShape.
    case 'anyOf': return isContainer(data) ? null : about(`${name} must be a list of scopes, or a map with allOf or anyOf`)
    default: return about(`${name} ${error.message}`)
  }
}

function unknownKey (path: ValuePath, key: string, known: string[]): ValueFault {
  const fault = (message: string): ValueFault => ({ path: [...path, key], part: 'key', message })
  if (path.length === 1 && path[0] === 'upstreams') return fault(`an upstream's name must be ${grammars.name.means}`)
  const meant = nearest(key, known)
  const where = path.length === 0 ? '' : ` in ${nameOf(path)}`
  return fault(`unknown key ${quote(key)}${where}: ${meant === null ? "this version of Latchkey doesn't know it" : `did you mean ${quote(meant)}?`}`)
}

/** Of the alternatives of an anyOf, only the one that has the value's own shape has anything to say about it. */
function isOfAnotherShape (error: ErrorObject, root: unknown): boolean {
  const branch = /\/anyOf\/(\d+)\//.exec(error.schemaPath)?.[1]
  if (branch === undefined) return false
  // Only `routes/N/scopes` has alternatives: a list, or a map.
  const value = valueAt(root, pathOf(error.instancePath).slice(0, 3))
  return !isContainer(value) || (branch === '0') !== Array.isArray(value)
}

function valueAt (root: unknown, path: ValuePath): unknown {
  return path.reduce<unknown>((value, step) => isContainer(value) ? (value as Record<string | number, unknown>)[step] : undefined, root)
}

function isContainer (value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function wanted (schema: ErrorObject['parentSchema']): string | null {
  return typeof schema?.pattern === 'string' ? meaningOf(schema.pattern) : null
}

function pathOf (instancePath: string): ValuePath {
  const steps = instancePath.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  // Numbers are places in lists: the schema's one open map has upstreams' names, told apart by where they stand.
  return steps.map((step, index) => /^\d+$/.test(step) && steps[index - 1] !== 'upstreams' ? Number(step) : step)
}

/** `routes[0].path`; the top is `the configuration`. */
export function nameOf (path: ValuePath): string {
  if (path.length === 0) return 'the configuration'
  return path.map((step, index) => typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`).join('')
}

/** A client's or user's text inside a message: cut, and without characters that would mislead a terminal. */
export function quote (text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
