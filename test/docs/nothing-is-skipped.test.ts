import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { commandsOf, isLook } from './commands.ts'
import { jsonDifference, missingLine } from './expectations.ts'
import { blocksOf, readPage } from './markdown.ts'

/** They describe single commands, for installations that they know nothing of; what they tell has tests elsewhere. */
const references = ['configuration.md', 'docker.md', 'operating.md', 'performance.md', 'usage.md']

t.test('each page with commands has a test that follows it, but for references', async t => {
  const pages = readdirSync(path.join(import.meta.dirname, '../../docs')).filter(name => name.endsWith('.md') && /^ *```sh$/m.test(readPage(name)))
  const unfollowed = pages.filter(page => !existsSync(path.join(import.meta.dirname, page.replace(/\.md$/, '.test.ts'))))
  t.same(unfollowed, references)
})

t.test('blocks are found with what the comment before them says', async t => {
  const source = ['# A', '```sh', 'true', '```', '<!-- file: a/b.yaml, from "routes:" on -->', '', '  ```yaml', '  routes:', '    - x', '  ```', '## B', '<!-- not run: why -->', '```js', '```'].join('\n')
  t.same(blocksOf('a.md', source), [
    { page: 'a.md', line: 2, heading: '# A', language: 'sh', text: 'true', marker: null },
    { page: 'a.md', line: 7, heading: '# A', language: 'yaml', text: 'routes:\n  - x', marker: { kind: 'file', name: 'a/b.yaml', from: 'routes:' } },
    { page: 'a.md', line: 13, heading: '## B', language: 'js', text: '', marker: { kind: 'not run', reason: 'why' } },
  ])
  for (const faulty of ['<!-- skip -->\n```sh\n```', '<!-- not run: a -->\ntext\n```sh\n```', '<!-- not run: a -->', '```sh\ntrue']) {
    t.throws(() => blocksOf('a.md', faulty), faulty)
  }
})

t.test('commands end where a shell ends them, with what is announced behind them', async t => {
  t.same(commandsOf("# a comment\ncurl -d '{\n  \"a\": 1 }' \\\n  http://x # 403 insufficient_scope\n\nKEY=$(echo \"it's\") # exits with 2\nawk '/#/' # it's odd"), [
    { text: "curl -d '{\n  \"a\": 1 }' \\\n  http://x # 403 insufficient_scope", status: '403', code: 'insufficient_scope', exitCode: 0 },
    { text: 'KEY=$(echo "it\'s") # exits with 2', status: null, code: null, exitCode: 2 },
    { text: "awk '/#/' # it's odd", status: null, code: null, exitCode: 0 },
  ])
  t.throws(() => commandsOf("echo 'a"), 'a quote that nobody closes')
  for (const look of ['curl -i http://x', 'curl -X DELETE -H "x-api-key: $KEY" http://x', 'npx latchkey keys show 1', 'npx latchkey doctor']) t.ok(isLook(look), look)
  for (const change of ['curl -X POST -H "Authorization: Bearer $TOKEN" http://x', "curl http://x -d '{}'", 'npx latchkey keys rotate 1', 'KEY=$(curl http://x)']) t.notOk(isLook(change), change)
})

t.test('what is shown has to be there, but for what is left out by an ellipsis', async t => {
  t.equal(missingLine('ID  NAME\n1   …  b', 'ID NAME\n1 a b'), null)
  t.equal(missingLine('ID\n2 b', 'ID\n1 b'), '2 b')
  t.equal(missingLine('a', 'ab'), 'a', 'a line is shown whole')
  const printed = JSON.stringify({ id: 1, name: 'ab', list: [{ a: 1, b: 2 }, 3], none: null })
  for (const shown of ['{}', '{ "name": "a…", "list": [{ "b": 2 }, 3] }', '{ "none": null, "list": [{ "a": "…" }, "…"] }', '{ "none": "…" }']) t.equal(jsonDifference(shown, printed), null, shown)
  for (const [shown, path] of [['{ "id": 2 }', 'id'], ['{ "list": [3] }', 'list.length'], ['{ "list": ["…", 4] }', 'list.1'], ['{ "other": "…" }', 'other'], ['{ "name": "b…" }', 'name']] as const) {
    t.equal(jsonDifference(shown, printed), path, shown)
  }
  t.equal(jsonDifference('{ "a": 1 }', 'HTTP/1.1 200 OK\r\nx: y\r\n\r\n{"a":1}'), null, 'behind a head')
})
