import { curlOf } from './curl.ts'
import type { ApiAnswer, ApiDocument, ApiOperation, ApiParameter, Schema } from './document.ts'
import { escaped, prose, table } from './html.ts'
import { fieldTable, meaningOf, objectLink, typeOf } from './schema.ts'

/** The section of one operation. */
export function operationSection (document: ApiDocument, method: string, path: string, operation: ApiOperation): string {
  const { operationId: id, summary, description, parameters, requestBody, responses } = operation
  const rights = operation['x-latchkey-rights']
  const answers = Object.entries(responses)
  return `<section class="operation" aria-labelledby="operation-${id}">
<h3 id="operation-${id}"><a href="#operation-${id}">${prose(summary)}</a></h3>
<p class="call"><code><b>${method}</b> ${escaped(path)}</code> <span class="right">${rights === 'write' ? 'needs the right <b>write</b>' : 'any token'}</span></p>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
${parameters.length === 0 ? '' : `<h4>Parameters</h4>\n${parameterTable(summary, parameters)}`}
${requestBody === undefined ? '' : `<h4>Body</h4>\n${body(document, summary, requestBody)}`}
<h4>Answer</h4>
${answers.filter(([status]) => status.startsWith('2')).map(([status, answer]) => answerOf(status, answer)).join('\n')}
<details>
<summary>Problems<span class="hidden"> of: ${prose(summary)}</span></summary>
${problemTable(summary, answers.filter(([status]) => !status.startsWith('2')))}
</details>
<h4>Example</h4>
<pre tabindex="0" aria-label="curl: ${escaped(summary)}"><code>${escaped(curlOf(method, path, operation))}</code></pre>
</section>`
}

function parameterTable (summary: string, parameters: readonly ApiParameter[]): string {
  const places = { path: 'in the path', query: 'in the query', header: 'a header' }
  return table({
    label: `Parameters of: ${summary}`,
    columns: ['Parameter', 'Type', 'What it is'],
    rows: parameters.map(({ name, in: place, required, description, schema }) => [
      `<code>${escaped(name)}</code> <small>${places[place]}${required ? '' : ', optional'}</small>`, typeOf(schema), meaningOf(schema, description),
    ]),
  })
}

function body (document: ApiDocument, summary: string, { required, content }: NonNullable<ApiOperation['requestBody']>): string {
  const json = content['application/json']!.schema
  const schema: Schema = json.$ref === undefined ? json : document.components.schemas[json.$ref.split('/').at(-1) ?? ''] ?? json
  const others = Object.keys(content).filter(type => type !== 'application/json')
  return `<p>JSON${required ? '' : ', which may be left out'}${others.map(type => ` or <code>${escaped(type)}</code>`).join('')}. ${prose(schema.description ?? '')}</p>
${fieldTable(`Body of: ${summary}`, schema)}`
}

function answerOf (status: string, { description, headers = {}, content = {} }: ApiAnswer): string {
  const types = Object.entries(content).map(([type, { schema }]) => schema.$ref === undefined ? `<code>${escaped(type)}</code>` : objectLink(schema.$ref))
  const told = Object.entries(headers).map(([name, header]) => `<li><code>${escaped(name)}</code>: ${prose(header.description)}</li>`)
  return `<p><b>${status}</b> ${prose(description)} ${types.length === 0 ? 'No body.' : types.join(' or ')}</p>
${told.length === 0 ? '' : `<ul>${told.join('')}</ul>`}`
}

/** A row a code, which the description of a status names one after the other. */
function problemTable (summary: string, answers: readonly (readonly [string, ApiAnswer])[]): string {
  return table({
    label: `Problems of: ${summary}`,
    columns: ['Code', 'Status', 'When'],
    rows: answers.flatMap(([status, { description }]) => [...description.matchAll(/`(\w+)`: ([^`]*)/g)].map(([, code, detail]) => [`<code>${code}</code>`, status, prose(detail!.trim())])),
  })
}
