import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const root = path.join(import.meta.dirname, '../..')
const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...readdirSync(path.join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

t.test('every link from one page to another leads to a file, and to a heading of it', async t => {
  const dead = pages.flatMap(page => linksOf(page).filter(link => !leadsSomewhere(page, link)).map(link => `${page}: ${link}`))
  t.same(dead, [])
})

t.test('every page of docs/ is linked from somewhere', async t => {
  const linked = new Set(pages.flatMap(page => linksOf(page).map(link => path.join(path.dirname(page), link.split('#', 1)[0] ?? ''))))
  t.same(pages.filter(page => page.startsWith('docs/') && !linked.has(page)), [])
})

/** Within the repository, pictures included; not what stands in a block of code. */
function linksOf (page: string): string[] {
  const text = readFileSync(path.join(root, page), 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '')
  return [...text.matchAll(/!?\[[^\]]*\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => /^[a-z]+:/.test(link) ? [] : [link])
}

function leadsSomewhere (page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file)
  if (!existsSync(target)) return false
  return anchor === undefined || anchorsOf(target).has(anchor)
}

/** As GitHub makes them of headings. */
function anchorsOf (file: string): Set<string> {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
  return new Set([...headings].map(([, heading = '']) => heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')))
}
