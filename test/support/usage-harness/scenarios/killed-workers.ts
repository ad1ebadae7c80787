import type { Test } from 'tap'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import { startHarness } from '../harness.ts'
import { atRiskMs } from '../judge.ts'

/** Two workers, killed one at a time, with the database there and away; then all of the gateway, the primary first. */
export async function killedWorkers (t: Test, { rounds }: { readonly rounds: number }): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const harness = await startHarness(t, { database, gateway: 'workers: 2' })
  const gateway = await harness.start({ databaseUrl: proxy.through(database.url) })
  let replaced = 0
  const killWorker = async () => {
    gateway.killWorker()
    replaced++
    await harness.booksSay(gateway, 'the worker is replaced', (_books, series) => series.get('latchkey_worker_restarts_total') === replaced && series.get('latchkey_workers') === 2)
  }
  for (let round = 1; round <= rounds; round++) {
    await harness.answers(500)
    await killWorker()
    await harness.answers(500)
    await proxy.cut()
    await harness.answers(500)
    await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled > 0)
    // Without the database its successor can't tell who asks; the other worker goes on.
    await killWorker()
    await harness.answers(100)
    await proxy.resume()
    await harness.answers(500)
    await proxy.cut()
    await harness.answers(300)
    await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled > 0)
    await harness.load.pause(atRiskMs)
    await gateway.killAll()
    harness.load.resume()
    await proxy.resume()
    await gateway.start()
    replaced = 0
  }
  await harness.answers(200)
  await harness.finish()
}
