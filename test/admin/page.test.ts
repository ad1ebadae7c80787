import { request as httpRequest } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { readPageFiles } from '../../src/admin/page-files.ts'
import { startAdmin } from './support.ts'

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

t.test('the page and all that it is made of are served, under a policy that allows nothing from elsewhere', async (t) => {
  const { url } = await startAdmin(t)
  const response = await fetch(url)
  const html = await response.text()
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(response.headers.get('content-security-policy'), policy)
  t.equal(response.headers.get('cache-control'), 'no-cache')
  const links = linksOf(html)
  t.ok(links.length >= 3, 'a script, a style and an icon')
  for (const link of links) {
    const part = await fetch(new URL(link, `${url}/`))
    t.equal(part.status, 200, link)
    t.equal(part.headers.get('cache-control'), 'public, max-age=31536000, immutable', link)
    t.equal(part.headers.get('content-security-policy'), policy, link)
    t.equal(part.headers.get('x-content-type-options'), 'nosniff', link)
    t.match(part.headers.get('content-type'), { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }[/\.\w+$/.exec(link)![0]], link)
  }
})

t.test('who has a file already is told so', async (t) => {
  const { url } = await startAdmin(t)
  const etag = (await fetch(url)).headers.get('etag')!
  for (const known of [etag, `W/${etag}`, `"another", ${etag}`]) {
    const again = await fetch(url, { headers: { 'if-none-match': known } })
    t.equal(again.status, 304, known)
    t.equal(again.headers.get('etag'), etag)
    t.equal(await again.text(), '')
  }
  t.equal((await fetch(url, { headers: { 'if-none-match': '"another"' } })).status, 200)
})

t.test('files are compressed for who accepts that', async (t) => {
  const { url } = await startAdmin(t)
  const plain = await bytesOf(t, url, {})
  t.equal(plain.encoding, undefined)
  for (const encodings of ['gzip', 'br, gzip;q=0.5', 'deflate,  x-gzip']) {
    const zipped = await bytesOf(t, url, { 'accept-encoding': encodings })
    t.equal(zipped.encoding, 'gzip', encodings)
    t.same(gunzipSync(zipped.body), plain.body, encodings)
  }
  for (const encodings of ['br', 'gzip;q=0', 'identity']) t.equal((await bytesOf(t, url, { 'accept-encoding': encodings })).encoding, undefined, encodings)
})

t.test('HEAD gives the same headers and no body', async (t) => {
  const { url } = await startAdmin(t)
  for (const path of ['/', '/healthz', '/readyz']) {
    const [get, head] = await Promise.all([fetch(url + path), fetch(url + path, { method: 'HEAD' })])
    t.equal(head.status, get.status)
    t.equal(await head.text(), '')
    for (const name of ['content-type', 'content-length', 'content-security-policy', 'etag']) t.equal(head.headers.get(name), get.headers.get(name))
  }
})

t.test('where the page is not built, the port says how to build it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-page-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const place of [folder, join(folder, 'nowhere')]) {
    const [file, ...others] = readPageFiles(place)
    t.same(others, [])
    t.equal(file?.path, '/')
    t.match(file?.answer({}).body, /npm run build/)
  }
})

function linksOf (html: string): string[] {
  return [...html.matchAll(/<(?:link|script)[^>]* (?:href|src)="([^"]+)"/g)].map(([, link]) => link!)
}

/** As they come over the wire: fetch would ask for compression by itself and undo it. */
async function bytesOf (t: Test, url: string, headers: Record<string, string>): Promise<{ encoding: string | undefined, body: Buffer }> {
  return await new Promise((resolve, reject) => {
    httpRequest(url, { headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        t.equal(response.headers.vary, 'accept-encoding')
        resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) })
      })
    }).on('error', reject).end()
  })
}
