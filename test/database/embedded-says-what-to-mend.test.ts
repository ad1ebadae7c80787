import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pino from 'pino'
import t from 'tap'
import { openEmbedded } from '../../src/database/embedded.ts'
import { clusterFolder, temporaryDataDir } from './embedded-fixture.ts'

const logger = pino({ level: 'silent' })

t.test('what a person has to mend is said clearly', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const first = await openEmbedded({ dataDir, role: 'command', logger })
  const folder = await clusterFolder(first.url)
  await first.close()

  await writeFile(path.join(folder, 'PG_VERSION'), '17\n')
  await t.rejects(openEmbedded({ dataDir, role: 'command', logger }), { name: 'UsageError', message: /made by PostgreSQL 17, and this is PostgreSQL 18/ })
  await writeFile(path.join(folder, 'PG_VERSION'), '18\n')

  await writeFile(path.join(dataDir, 'pepper'), 'not a pepper')
  await t.rejects(openEmbedded({ dataDir, role: 'command', logger }), { name: 'UsageError', message: /pepper/ })
  await rm(path.join(dataDir, 'pepper'))
  await rm(path.join(dataDir, 'postgres.password'))
  await t.rejects(openEmbedded({ dataDir, role: 'command', logger }), { name: 'UsageError', message: /postgres\.password is missing/ })

  const file = path.join(dataDir, 'file')
  await writeFile(file, '')
  await t.rejects(openEmbedded({ dataDir: path.join(file, 'x'), role: 'command', logger }), { name: 'UsageError', message: /LATCHKEY_DATA_DIR/ })
  // Even root can't make anything there.
  await t.rejects(openEmbedded({ dataDir: '/proc', role: 'command', logger }), { name: 'UsageError', message: /LATCHKEY_DATA_DIR/ })
})
