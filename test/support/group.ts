import { register } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { current } from './group-current.ts'

// node group.ts <file> …: runs test files one after the other in this process, each as a test of its own, with its own
// teardown. For files whose process would take longer to start than they run.

register('./group-hooks.mjs', import.meta.url)
// Each file has the time that a process of its own would have.
const timeout = Number(process.env.TAP_TIMEOUT ?? 30) * 1000
t.setTimeout(0)
t.testdirName = path.resolve('.tap/fixtures', `group-${process.pid}`)
for (const file of process.argv.slice(2)) {
  await t.test(file, { timeout }, async t => {
    current.t = t
    await import(pathToFileURL(path.resolve(file)).href)
  })
}
