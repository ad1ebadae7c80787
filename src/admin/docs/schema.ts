import type { Schema } from './document.ts'
import { escaped, prose, table } from './html.ts'

/** The fields of an object, those of the objects within it included: a row each. */
export function fieldTable (label: string, schema: Schema): string {
  return table({ label, columns: ['Field', 'Type', 'What it is'], rows: fieldRows(schema, '') })
}

function fieldRows ({ properties = {}, required = [] }: Schema, above: string): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => [
    [`<code>${escaped(above + name)}</code>${required.includes(name) ? '' : ' <small>optional</small>'}`, typeOf(schema), meaningOf(schema)],
    ...fieldRows(schema, `${above}${name}.`),
    ...schema.items === undefined ? [] : fieldRows(schema.items, `${above}${name}[].`),
  ])
}

/** HTML: what a value may be. */
export function typeOf (schema: Schema): string {
  if (schema.$ref !== undefined) return objectLink(schema.$ref)
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.enum !== undefined) return schema.enum.map(value => `<code>${escaped(String(value))}</code>`).join(' or ')
  const types = [schema.type ?? 'anything'].flat().map(type => typeWord(type, schema))
  return types.join(' or ')
}

function typeWord (type: string, { format, items }: Schema): string {
  if (type === 'array') return items === undefined ? 'list' : `list of ${typeOf(items)}`
  if (type === 'string') return format === 'date-time' ? 'time' : format === 'uuid' ? 'UUID' : 'text'
  if (type === 'integer') return 'whole number'
  if (type === 'boolean') return '<code>true</code> or <code>false</code>'
  return type === 'null' ? '<code>null</code>' : type
}

/** HTML: what is said of a value, and what bounds it. */
export function meaningOf (schema: Schema, description = schema.description): string {
  const bounds = [...boundsOf(schema), ...schema.items === undefined ? [] : boundsOf(schema.items).map(bound => `each ${bound}`)]
  const each = schema.items?.description
  return [description, each].filter(text => text !== undefined).map(prose).concat(bounds.length === 0 ? [] : [`<small>${bounds.join('; ')}</small>`]).join(' ')
}

function boundsOf ({ minLength, maxLength, minimum, maximum, maxItems, pattern, default: byDefault }: Schema): string[] {
  const isUnbounded = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
  return [
    ...maxLength === undefined ? [] : [`${minLength === undefined ? 'at most' : `${minLength} to`} ${maxLength} characters`],
    ...maxItems === undefined ? [] : [`at most ${maxItems}`],
    ...minimum === undefined ? [] : [isUnbounded ? `${minimum} or more` : `${minimum} to ${maximum}`],
    ...pattern === undefined ? [] : [`<code>${escaped(pattern)}</code>`],
    ...byDefault === undefined ? [] : [`left out: <code>${escaped(String(byDefault))}</code>`],
  ]
}

export function objectLink (reference: string): string {
  const name = escaped(reference.split('/').at(-1) ?? '')
  return `<a href="#object-${name}">${name}</a>`
}
