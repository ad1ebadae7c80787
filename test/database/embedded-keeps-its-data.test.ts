import { stat } from 'node:fs/promises'
import path from 'node:path'
import pino from 'pino'
import t from 'tap'
import { openEmbedded } from '../../src/database/embedded.ts'
import { isReachable, query, readHex, temporaryDataDir } from './embedded-fixture.ts'

const logger = pino({ level: 'silent' })

t.test('the embedded database keeps its data, its pepper and its password to itself', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const first = await openEmbedded({ dataDir, role: 'gateway', logger })
  t.equal(first.isOwner, true)
  t.equal(new URL(first.url).hostname, '127.0.0.1')
  await query(first.url, 'create table kept as select 42 as answer')
  await first.close()
  await first.close()
  t.equal(await isReachable(first.url), false, 'it ends with its owner')

  for (const name of ['pepper', 'postgres.password', 'postgres.log']) {
    t.equal((await stat(path.join(dataDir, name))).mode & 0o777, 0o600, name)
  }
  t.equal((await stat(dataDir)).mode & 0o067, 0, 'nobody else can list or read the folder')

  const second = await openEmbedded({ dataDir, role: 'gateway', connectionsMax: 120, logger })
  t.teardown(async () => await second.close())
  t.strictSame(await query(second.url, 'select answer from kept'), [{ answer: 42 }])
  t.strictSame(second.pepper, first.pepper)
  t.equal(second.pepper.length, 32)
  t.equal(await readHex(path.join(dataDir, 'pepper')), second.pepper.toString('hex'))

  const [row] = await query(second.url, `
    select current_setting('listen_addresses') as listen_addresses, current_setting('unix_socket_directories') as sockets,
      current_setting('fsync') as fsync, current_setting('server_encoding') as encoding, current_database() as name,
      current_setting('max_connections') as connections`)
  t.strictSame(row, { listen_addresses: '127.0.0.1', sockets: '', fsync: 'on', encoding: 'UTF8', name: 'latchkey', connections: '120' }, 'as many connections as its opener asks for')
  const wrong = new URL(second.url)
  wrong.password = 'wrong'
  await t.rejects(query(wrong.href, 'select 1'), { code: '28P01' }, 'the password is asked for')
})
