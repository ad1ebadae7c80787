import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const root = path.join(import.meta.dirname, '../..')
const text = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')

t.test('each line of the threat model names tests that exist', async t => {
  const [, model = ''] = text.split('## What each party can and can\'t do')
  const lines = model.split('\n').filter(line => /^\| (?!who has|---)/.test(line))
  t.ok(lines.length >= 15)
  for (const line of lines) {
    const [, who = '', , , tests = ''] = line.split(/(?<!\\)\|/)
    const named = [...tests.matchAll(/\[([^\]]+)\]\((test\/[^)]+\.test\.ts)\)/g)]
    t.not(named.length, 0, `${who.trim()}: names a test`)
    for (const [, name, file = ''] of named) {
      t.ok(existsSync(path.join(root, file)), file)
      t.equal(name, path.basename(file, '.test.ts'))
    }
  }
  for (const file of readdirSync(import.meta.dirname)) {
    if (file !== path.basename(import.meta.filename)) t.ok(model.includes(`(test/security/${file})`), `${file} belongs to a line`)
  }
})

t.test('whatever else it links to exists', async t => {
  for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) t.ok(existsSync(path.join(root, target)), target)
})
