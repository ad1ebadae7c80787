import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pino from 'pino'
import t from 'tap'
import { openEmbedded } from '../../src/database/embedded.ts'
import { clusterFolder, isReachable, temporaryDataDir } from './embedded-fixture.ts'

const logger = pino({ level: 'silent' })

t.test('what a start leaves that was killed halfway is cleared away', async (t) => {
  const dataDir = await temporaryDataDir(t)
  await mkdir(path.join(dataDir, 'postgres.0123456789ab.new', 'data'), { recursive: true })
  await writeFile(path.join(dataDir, 'pepper.new'), 'half')
  const embedded = await openEmbedded({ dataDir, role: 'command', logger })
  t.teardown(async () => await embedded.close())
  t.ok(await isReachable(embedded.url))
  t.strictSame((await readdir(dataDir)).filter((name) => name.endsWith('.new')), [])
})

t.test('a pid file that names a stranger doesn\'t stop the server from starting', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const first = await openEmbedded({ dataDir, role: 'command', logger })
  const folder = await clusterFolder(first.url)
  await first.close()
  await writeFile(path.join(folder, 'postmaster.pid'), `${process.pid}\n${folder}\n1\n5432\n\n127.0.0.1\n\nready\n`)
  const second = await openEmbedded({ dataDir, role: 'command', logger })
  t.teardown(async () => await second.close())
  t.ok(await isReachable(second.url))
})
