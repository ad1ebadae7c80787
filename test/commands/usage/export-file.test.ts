import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { createExportFile, type LockFile, resumeExportFile } from '../../../src/commands/usage/export-file.ts'
import { csv } from '../../../src/usage/export/csv.ts'
import { ndjson } from '../../../src/usage/export/ndjson.ts'
import { aRow } from '../../usage/export/support.ts'

const folder = t.testdir({ folder: {} })
const file = path.join(folder, 'usage')
const unlocked: LockFile = async () => ({ demandHeld: () => {}, release: async () => {} })

for (const [name, format] of Object.entries({ ndjson, csv })) {
  const lines = [1, 22, 333].map(id => format.lineOf({ ...aRow, id, userAgent: 'a\nb, "c"' }))
  const whole = format.header + lines.join('')

  t.test(`${name}, cut off anywhere, goes on behind its last whole line`, async t => {
    const wholeLines = [format.header, ...lines].filter(line => line !== '')
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(file, whole.slice(0, length))
      const { handle, lastId, isEmpty } = await resumeExportFile(file, format, unlocked)
      const kept = wholeLines.filter((_, index) => wholeLines.slice(0, index + 1).join('').length <= length)
      const ids = kept.map(line => format.idOf(line.slice(0, -1))).filter(id => id !== null)
      await handle.appendFile('x')
      await handle.close()
      if (readFileSync(file, 'utf8') !== `${kept.join('')}x` || lastId !== (ids.at(-1) ?? 0) || isEmpty !== (kept.length === 0)) t.fail(`${length} of ${whole.length} characters`)
    }
  })

  t.test(`a long file of ${name}`, async t => {
    writeFileSync(file, format.header + lines[0]!.repeat(10_000) + lines[1] + lines[2]!.slice(0, 20))
    const { handle, lastId } = await resumeExportFile(file, format, unlocked)
    await handle.close()
    t.equal(lastId, 22)
    t.equal(readFileSync(file, 'utf8'), format.header + lines[0]!.repeat(10_000) + lines[1])
  })
}

t.test('a file of something else is refused, and left as it is', async t => {
  const aCsv = csv.header + csv.lineOf(aRow)
  const foreign = [
    [ndjson, 'Dear diary,\n'], [ndjson, 'Dear diary'], [ndjson, aCsv], [ndjson, `${ndjson.lineOf(aRow)}{"no":1}\n`], [ndjson, '\n'],
    [csv, 'Dear diary'], [csv, 'id\n'], [csv, ndjson.lineOf(aRow)], [csv, 'id,name\r\n1,2\r\n'], [csv, `${aCsv}\n`],
  ] as const
  for (const [format, content] of foreign) {
    writeFileSync(file, content)
    await t.rejects(resumeExportFile(file, format, unlocked), { name: 'UsageError', message: /does not end like an export of this format/ }, content)
    t.equal(readFileSync(file, 'utf8'), content)
  }
})

t.test('a file is made for its owner alone, and only where there is none', async t => {
  const fresh = path.join(folder, 'fresh')
  const { handle, isEmpty, lastId } = await resumeExportFile(fresh, csv, unlocked)
  await handle.close()
  t.strictSame({ isEmpty, lastId }, { isEmpty: true, lastId: 0 })
  t.equal(statSync(fresh).mode & 0o777, 0o600)
  await t.rejects(createExportFile(fresh, unlocked), { name: 'UsageError', message: /exists already/ })
})

t.test('where no file can be', async t => {
  for (const make of [async (file: string) => await createExportFile(file, unlocked), async (file: string) => await resumeExportFile(file, csv, unlocked)]) {
    await t.rejects(make(path.join(folder, 'nowhere/usage')), { name: 'UsageError', message: /its folder does not exist/ })
    await t.rejects(make(path.join(folder, 'folder')), { name: 'UsageError', message: /it is a folder|exists already/ })
  }
  if (process.getuid?.() === 0) return
  writeFileSync(file, '')
  chmodSync(file, 0o400)
  await t.rejects(resumeExportFile(file, csv, unlocked), { name: 'UsageError', message: /may not be written to/ })
})
