import t, { type Test } from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { proxyTo, type TcpProxy } from '../support/tcp-proxy.ts'
import { startLoad } from '../outages/load.ts'

t.test('connections are reset as soon as they are made', async t => {
  let timer: NodeJS.Timeout | undefined
  t.teardown(() => clearInterval(timer))
  await goThrough(t, async proxy => {
    proxy.reset()
    timer = setInterval(() => proxy.reset(), 1)
  }, async () => clearInterval(timer))
})

t.test('every answer takes seconds', async t => {
  await goThrough(t, async proxy => proxy.slowDown(4_000), async proxy => proxy.slowDown(0))
})

async function goThrough (t: Test, begin: (proxy: TcpProxy) => Promise<void>, end: (proxy: TcpProxy) => Promise<void>): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(() => proxy.close())
  const load = await startLoad(t, { database, databaseUrl: proxy.through(database.url) })
  await begin(proxy)
  await load.throughOutage()
  await end(proxy)
  await load.recovers()
  await load.ends()
}
