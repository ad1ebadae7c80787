import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'
import { minimal } from './faults.ts'

const folder = t.testdir({})

function faultOf (name: string, content?: string | Buffer): string {
  const file = join(folder, name)
  if (content !== undefined) writeFileSync(file, content)
  try {
    loadConfig(file)
    return ''
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    t.ok(err.message.startsWith(file), 'the file is named')
    return err.message.slice(file.length)
  }
}

t.test('a file that is fine', async (t) => {
  t.equal(faultOf('fine.yaml', minimal()), '')
  t.equal(faultOf('mark.yaml', `\ufeff${minimal()}`), '')
})

t.test('a file that is missing', async (t) => {
  t.equal(faultOf('missing.yaml'), ': no such file: write one with `latchkey init`, or name another with --config')
})

t.test('a folder', async (t) => {
  mkdirSync(join(folder, 'folder'))
  t.equal(faultOf('folder'), ': is a folder, not a file')
})

t.test('text that is not UTF-8', async (t) => {
  t.equal(faultOf('latin.yaml', Buffer.from('# \xe9\n', 'latin1')), ': is not UTF-8 text')
  t.equal(faultOf('wide.yaml', Buffer.from(`\ufeff${minimal()}`, 'utf16le')), ': is not UTF-8 text')
})

t.test('a file larger than a configuration can be', async (t) => {
  t.match(faultOf('large.yaml', `${minimal()}# ${'x'.repeat(4 * 1024 ** 2)}`), /is larger than a configuration can be/)
})
