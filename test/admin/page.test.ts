import { createHash } from 'node:crypto'
import t from 'tap'
import { startAdmin } from './support.ts'

t.test('the page leads to what the port serves', async (t) => {
  const { url } = await startAdmin(t, { version: '1.2.3-<next>' })
  const response = await fetch(url)
  const html = await response.text()
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/html; charset=utf-8$/)
  t.match(html, 'version 1.2.3-&#60;next&#62;')
  const links = [...html.matchAll(/href="([^"]+)"/g)].map(([, link]) => link!)
  t.same(links, ['/metrics', '/healthz', '/readyz'])
  for (const link of links) t.equal((await fetch(new URL(link, url))).status, 200, link)
})

t.test('its policy allows its own style and nothing else', async (t) => {
  const { url } = await startAdmin(t)
  const response = await fetch(url)
  const style = /<style>(.*)<\/style>/s.exec(await response.text())?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  t.equal(response.headers.get('content-security-policy'),
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`)
  t.equal(response.headers.get('x-content-type-options'), 'nosniff')
})

t.test('HEAD gives the same headers and no body', async (t) => {
  const { url } = await startAdmin(t)
  for (const path of ['/', '/healthz', '/readyz']) {
    const [get, head] = await Promise.all([fetch(url + path), fetch(url + path, { method: 'HEAD' })])
    t.equal(head.status, get.status)
    t.equal(await head.text(), '')
    for (const name of ['content-type', 'content-length', 'content-security-policy']) t.equal(head.headers.get(name), get.headers.get(name))
  }
})
