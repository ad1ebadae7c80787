import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'

const gzippedBytesMax = 100_000
const folder = join(import.meta.dirname, '../../dist/page')
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => ({ name: entry.name, content: readFileSync(join(entry.parentPath, entry.name)) }))

t.test('the whole page is below 100 KB on its way', async (t) => {
  for (const ending of ['.html', '.css', '.js']) t.ok(files.some(({ name }) => name.endsWith(ending)), ending)
  const bytes = files.reduce((sum, { content }) => sum + gzipSync(content, { level: 9 }).length, 0)
  t.comment(`${bytes} bytes`)
  t.ok(bytes < gzippedBytesMax, `${bytes} bytes`)
})

t.test('it names no address but those of XML’s own names', async (t) => {
  for (const { name, content } of files) {
    const addresses = [...content.toString().matchAll(/(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}[^\s"'`)]*/gi)].map(([address]) => address)
    t.same(addresses.filter(address => !/^http:\/\/www\.w3\.org\/(1999\/xhtml|2000\/svg|1998\/Math\/MathML)$/.test(address)), [], name)
  }
})

t.test('it has no script or style inline, which the policy would stop', async (t) => {
  const html = files.find(({ name }) => name === 'index.html')!.content.toString()
  t.notMatch(html, /<style| style=| on[a-z]+=/)
  t.notMatch(html, /<script(?![^>]* src=)/)
})
