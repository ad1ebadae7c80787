import type { Test } from 'tap'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import { until } from '../../until.ts'
import type { HarnessGateway } from '../gateway.ts'
import { type UsageHarness, startHarness } from '../harness.ts'
import { atRiskMs } from '../judge.ts'
import { startSmallDisk } from '../small-disk.ts'

const diskBytes = 24 * 1024 * 1024
const upGauge = 'latchkey_usage_spool_up'

/** The spool's disk is full, or read-only, for a while: in memory rows go on to the database, and all is spooled again. */
export async function fullDisk (t: Test): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const harness = await startHarness(t, { database })
  const disk = startSmallDisk(t, { bytes: diskBytes, pid: () => gateway.life.process.cli.child.pid! })
  const gateway = await harness.start({ dataFolder: disk.dataFolder, databaseUrl: proxy.through(database.url) })

  await harness.answers(300)
  await proxy.cut()
  await harness.answers(300)
  await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled > 0)
  disk.fill()
  await isDown(t, harness, gateway, 'full')
  await harness.booksSay(gateway, 'rows wait in memory', ({ waiting }) => waiting >= 500)
  disk.free()
  await isBack(harness, gateway)
  await harness.load.pause(atRiskMs)
  await harness.booksSay(gateway, 'all rows are on the disk', ({ waiting, spooled }) => waiting === 0 && spooled >= 500)
  await gateway.kill()
  await proxy.resume()
  await gateway.start()
  await harness.booksSay(gateway, 'all rows are found', ({ recovered, waiting, spooled }) => recovered >= 500 && waiting + spooled === 0)

  // In a quiet moment: where a file is open for writing, nobody can do it.
  await disk.makeReadOnly()
  harness.load.resume()
  await isDown(t, harness, gateway, 'read-only')
  await harness.answers(1_500)
  await harness.booksSay(gateway, 'rows are written all the same', ({ written, recovered }) => written > recovered + 1_000)
  disk.makeWritable()
  await isBack(harness, gateway)
  await harness.load.pause(atRiskMs)
  await harness.booksSay(gateway, 'nothing waits', ({ waiting, spooled }) => waiting + spooled === 0)
  await gateway.kill()

  await disk.makeReadOnly()
  await gateway.start()
  harness.load.resume()
  await isDown(t, harness, gateway, 'read-only from the start')
  disk.makeWritable()
  await isBack(harness, gateway)
  await harness.answers(100)
  await gateway.kill()
  await gateway.start()

  await harness.answers(200)
  await harness.finish()
  const refused = harness.load.asked.filter(({ status }) => status !== null && status >= 500)
  t.same(refused, [], 'serving never stopped')
}

async function isDown (t: Test, harness: UsageHarness, gateway: HarnessGateway, what: string): Promise<void> {
  await harness.answers(1_000)
  await harness.booksSay(gateway, `the spool is down: ${what}`, (_books, series) => series.get(upGauge) === 0)
  await until(() => /"level":50.*usage cannot be spooled/.test(gateway.life.process.cli.stdout), 'it says so')
  t.pass(`${what}: it is down, and said so`)
}

async function isBack (harness: UsageHarness, gateway: HarnessGateway): Promise<void> {
  await harness.booksSay(gateway, 'the spool works again', (_books, series) => series.get(upGauge) === 1)
  await until(() => gateway.life.process.cli.stdout.includes('usage is spooled again'), 'it says so')
}
