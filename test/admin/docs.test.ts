import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import t from 'tap'
import { problems } from '../../src/errors.ts'
import { document, operations } from './api/document.ts'
import { adminToken, startApi } from './api/support.ts'
import { startAdmin } from './support.ts'

const run = promisify(execFile)
const { url } = await startAdmin(t)
const response = await fetch(`${url}/docs`)
const html = await response.text()

t.test('it is one page with a style of its own, and allows nothing else', async t => {
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(response.headers.get('x-content-type-options'), 'nosniff')
  const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  t.equal(response.headers.get('content-security-policy'), `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`)
  t.notMatch(html, /<(?:script|img|link|iframe|object|form|input)\b| on\w+=| style=/i)
  t.notMatch(style, /url\(|@import/)
  const links = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link!)
  t.same([...new Set(links.filter(link => !link.startsWith('#')))], ['/openapi.json'])
  t.notMatch(html.replaceAll('http://127.0.0.1:8081', ''), /https?:\/\//, 'no other address')
  t.equal((await fetch(`${url}/docs`, { method: 'HEAD' })).headers.get('content-length'), response.headers.get('content-length'))
  t.equal((await fetch(`${url}/docs`, { method: 'POST' })).status, 405)
  t.equal(await (await fetch(`${url}/docs`)).text(), html, 'the same again')
})

t.test('every operation is on it, with all that it takes and answers', async t => {
  for (const { operationId, method, path, summary, parameters, requestBody, responses, ...operation } of operations) {
    const section = new RegExp(`<section class="operation" aria-labelledby="operation-${operationId}">(.*?)</section>`, 's').exec(html)?.[1]
    if (section === undefined) {
      t.fail(`${operationId} is missing`)
      continue
    }
    const text = textOf(section)
    t.match(text, `${method} ${path}`)
    t.match(text, summary)
    t.match(text, operation['x-latchkey-rights'] === 'write' ? 'needs the right write' : 'any token')
    for (const { name, description = '' } of parameters) t.ok(text.includes(name) && text.includes(description.replaceAll('`', '')), `${operationId} ${name}`)
    for (const field of fieldsOf(requestBody?.content['application/json']?.schema)) t.match(section, `<code>${field}</code>`, `${operationId} ${field}`)
    for (const type of Object.keys(requestBody?.content ?? {})) t.ok(type === 'application/json' || text.includes(type))
    for (const { description } of Object.values(responses)) {
      for (const [, code] of description.matchAll(/`(\w+)`:/g)) t.match(section, new RegExp(`<code>${code}</code></th><td>${problems[code as keyof typeof problems].status}<`), `${operationId} ${code}`)
    }
    t.match(html, `href="#operation-${operationId}"`, 'the contents lead to it')
  }
  for (const name of Object.keys(document.components.schemas)) t.match(html, `id="object-${name}"`)
})

function fieldsOf (schema: any): string[] {
  const known = schema?.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1)]
  return Object.keys(known?.properties ?? {})
}

t.test('it is whole HTML: tags are balanced, ids unique, links lead somewhere', async t => {
  const open: string[] = []
  for (const [, end, name] of html.replace(/<style>.*?<\/style>/s, '').matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
    if (['meta'].includes(name!)) continue
    if (end === '') open.push(name!)
    else if (open.pop() !== name) t.fail(`</${name}> closes another`)
  }
  t.same(open, [])
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!)
  t.equal(new Set(ids).size, ids.length)
  const targets = [...html.matchAll(/(?:href="#|aria-labelledby=")([^"]*)"/g)].map(([, id]) => id!)
  t.same(targets.filter(id => !ids.includes(id)), [])
  t.notMatch(html.replace(/&(?:#\d+|amp|lt|gt);/g, ''), /&/)
  t.notMatch(html, /undefined|\[object|NaN/)
})

t.test('it can be read without eyes, and used without a mouse', async t => {
  t.match(html, /<html lang="en">/)
  for (const landmark of ['header', 'nav', 'main']) t.equal(html.split(`<${landmark}`).length, 2, landmark)
  const levels = [...html.matchAll(/<h(\d)\b/g)].map(([, level]) => Number(level))
  t.equal(levels.filter(level => level === 1).length, 1)
  t.ok(levels.every((level, i) => i === 0 ? level === 1 : level <= levels[i - 1]! + 1), 'no level is left out')
  t.match(html, /class="skip" href="#content"/)
  t.match(html, /:focus-visible/)
  t.match(html, /color-scheme: light dark/)
  for (const [tag] of html.matchAll(/<(?:pre|div)\b[^>]*>/g)) t.match(tag, /tabindex="0".*aria-label=|aria-label=.*tabindex="0"/, 'what scrolls is reached by keyboard')
})

t.test('its examples work', async t => {
  const api = await startApi(t)
  const { apiKey } = await api.create()
  t.equal(apiKey.id, 1)
  const examples = [...html.matchAll(/<section class="operation" aria-labelledby="operation-(\w+)">.*?<pre[^>]*><code>(.*?)<\/code>/gs)].map(([, id, text]) => ({ id: id!, command: textOf(text!) }))
  t.equal(examples.length, operations.length)
  // A revoked key can't be enabled nor rotated, and a deleted one nothing.
  const last = ['revokeKey', 'deleteKey']
  for (const { id, command } of examples.sort((one, other) => last.indexOf(one.id) - last.indexOf(other.id))) {
    const { stdout } = await run('/bin/sh', ['-c', `${command.replace('http://127.0.0.1:8081', api.url)} -sS -w '\\n%{http_code}'`], { env: { PATH: process.env.PATH, LATCHKEY_ADMIN_TOKEN: adminToken } })
    const status = stdout.split('\n').at(-1)
    t.ok(status! in operations.find(({ operationId }) => operationId === id)!.responses && status!.startsWith('2'), `${id}: ${stdout}`)
  }
})

function textOf (fragment: string): string {
  return fragment.replace(/<[^>]*>/g, '').replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
