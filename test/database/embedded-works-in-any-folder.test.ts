import { chmod, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import pino from 'pino'
import t from 'tap'
import { openEmbedded } from '../../src/database/embedded.ts'
import { makeSocketFolder } from '../../src/database/embedded/socket-folder.ts'
import { clusterFolder, query, temporaryDataDir } from './embedded-fixture.ts'

const logger = pino({ level: 'silent' })

t.test('a path too long for a socket', async (t) => {
  const dataDir = await temporaryDataDir(t, 'long'.repeat(40))
  const embedded = await openEmbedded({ dataDir, role: 'gateway', logger })
  t.teardown(async () => {
    await embedded.close()
    await rm(await makeSocketFolder(dataDir), { recursive: true })
  })
  await t.rejects(openEmbedded({ dataDir, role: 'gateway', logger }), { name: 'UsageError', message: /already used/ })
  const guest = await openEmbedded({ dataDir, role: 'command', logger })
  t.equal(guest.url, embedded.url)
  await guest.close()
})

t.test('below a folder that only we can enter, such as root\'s home', async (t) => {
  const closed = path.dirname(await temporaryDataDir(t))
  await chmod(closed, 0o700)
  const dataDir = path.join(closed, 'clone', '.latchkey')
  await mkdir(path.dirname(dataDir))

  const first = await openEmbedded({ dataDir, role: 'gateway', logger })
  const folder = await clusterFolder(first.url)
  t.teardown(async () => {
    // As root the cluster is elsewhere, in a folder named after this one.
    if (!folder.startsWith(dataDir)) await rm(path.dirname(folder), { recursive: true, force: true })
  })
  await query(first.url, 'create table kept as select 42 as answer')
  await first.close()
  const second = await openEmbedded({ dataDir, role: 'gateway', logger })
  t.strictSame(await query(second.url, 'select answer from kept'), [{ answer: 42 }])
  await second.close()
})
