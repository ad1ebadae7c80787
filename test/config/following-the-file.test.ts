import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { ConfigFile } from '../../src/config/config-file.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'

const good = `
usage: { flushRows: 10 }
upstreams: { u: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: r, path: /a, upstream: u }]
`

t.test('a mended file is said to be whole again, also when it is the one in force', async t => {
  const { edit, configFile } = follow(t)
  t.match(edit('routes: ['), [{ level: 50, msg: /faulty/ }])
  t.equal(configFile.isCurrent, false)
  t.match(edit(good), [{ level: 30, msg: /whole again/ }])
  t.equal(configFile.isCurrent, true)
  t.same(edit(good), [], 'nothing to say of what is in force')
})

t.test('a section that is read at start is said to wait once, and not when it is put back', async t => {
  const { edit } = follow(t)
  const other = good.replace('flushRows: 10', 'flushRows: 20')
  t.match(edit(other), [{ level: 40, sections: ['usage'] }, { level: 30 }])
  t.match(edit(other.replace('path: /a', 'path: /b')), [{ level: 30, msg: /reloaded/ }])
  t.match(edit(good), [{ level: 30, msg: /reloaded/ }])
})

t.test('a change that cannot be taken up leaves the one before, and is tried again', async t => {
  let isRefusing = true
  const taken: Config[] = []
  const { edit, configFile } = follow(t, config => {
    if (isRefusing) throw new Error('no such thing')
    taken.push(config)
  })
  const changed = good.replace('path: /a', 'path: /b')
  t.match(edit(changed), [{ level: 50, err: { message: 'no such thing' } }])
  t.equal(configFile.isCurrent, false)
  isRefusing = false
  t.match(edit(changed), [{ level: 30, msg: /reloaded/ }])
  t.equal(configFile.isCurrent, true)
  t.equal(taken[0]?.routes[0]?.path, '/b')
})

function follow (t: Test, onChange: (config: Config) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-config-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, good)
  const lines: object[] = []
  const logger = pino({}, new Writable({
    write (chunk, _encoding, callback) {
      lines.push(JSON.parse(String(chunk)) as object)
      callback()
    },
  }))
  const configFile = new ConfigFile(loadConfig(file), { file, overrides: {}, logger, onChange, pollMs: 1_000_000 })
  t.teardown(() => configFile.close())
  return {
    configFile,
    /** What the file's new content made it log. */
    edit (text: string): object[] {
      writeFileSync(file, text)
      configFile.reload()
      return lines.splice(0)
    },
  }
}
