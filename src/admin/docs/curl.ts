import type { ApiOperation } from './document.ts'

/** Where the admin listener is by default. */
const origin = 'http://127.0.0.1:8081'

/** A command line that makes the call, of the document's examples. For a POSIX shell. */
export function curlOf (method: string, path: string, { parameters, requestBody }: ApiOperation): string {
  const exampleOf = (place: string) => parameters.filter(parameter => parameter.in === place && parameter.example !== undefined)
  const filled = exampleOf('path').reduce((text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(String(example))), path)
  const query = exampleOf('query').map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`).join('&')
  const body = requestBody?.content['application/json']?.example
  const verb = method === 'GET' || (method === 'POST' && body !== undefined) ? '' : `-X ${method} `
  return [
    `curl ${verb}${quoted(origin + filled + (query === '' ? '' : `?${query}`))}`,
    '-H "Authorization: Bearer $LATCHKEY_ADMIN_TOKEN"',
    ...exampleOf('header').map(({ name, example }) => `-H ${quoted(`${name}: ${String(example)}`)}`),
    ...body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`],
  ].join(' \\\n  ')
}

function quoted (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
