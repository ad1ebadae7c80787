import pino from 'pino'
import t from 'tap'
import { Listener } from '../../src/database/listener.ts'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo, type Filter } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { channel } from './listener-fixture.ts'

t.test('says once that notifications are lost on the way, and stays unconfirmed', async (t) => {
  const database = await createDatabase(t, { migrated: false })
  const proxy = await proxyTo(database.url, withoutNotifications)
  t.teardown(async () => await proxy.close())
  const lines: string[] = []
  const listener = new Listener({
    connectionString: proxy.through(database.url),
    channel,
    openTimeoutMs: 300,
    logger: pino({ level: 'warn' }, { write: (line: string) => { lines.push(line) } }),
    onNotification: () => {},
    onConnected: () => t.fail('connected'),
  })
  t.teardown(async () => await listener.close())
  listener.start()
  await until(() => lines.length > 0, 'something is logged')
  t.match(lines[0], /transaction pooler.*DATABASE_DIRECT_URL/)
  t.notMatch(lines[0], new URL(database.url).password)
  t.equal(listener.isConfirmed(), false)
  t.equal(listener.stats().connects, 0)
  t.equal(lines.length, 1)
})

/** LISTEN through a transaction pooler succeeds, but what is notified goes to no client. */
function withoutNotifications (): Filter {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    const passed: Buffer[] = []
    while (pending.length >= 5) {
      const end = 1 + pending.readUInt32BE(1)
      if (pending.length < end) break
      if (pending[0] !== 'A'.charCodeAt(0)) passed.push(pending.subarray(0, end))
      pending = pending.subarray(end)
    }
    return Buffer.concat(passed)
  }
}
