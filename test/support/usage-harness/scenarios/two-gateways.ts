import type { Test } from 'tap'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import { startHarness, temporaryFolder } from '../harness.ts'
import { atRiskMs } from '../judge.ts'

/**
 * Two gateways share a data folder and a database that is away. One is killed, and started anew beside the other, which
 * lives: whoever takes what the dead one left, nobody takes anything of who lives.
 */
export async function twoGateways (t: Test, { rounds }: { readonly rounds: number }): Promise<void> {
  const database = await createDatabase(t)
  const proxy = await proxyTo(database.url)
  t.teardown(async () => await proxy.close())
  const harness = await startHarness(t, { database })
  const settings = { dataFolder: temporaryFolder(t), databaseUrl: proxy.through(database.url) }
  const left = await harness.start(settings)
  const right = await harness.start(settings)
  for (let round = 1; round <= rounds; round++) {
    const [dying, living] = round % 2 === 1 ? [left, right] : [right, left]
    // Both know the key, or the outage would leave one without requests.
    for (const gateway of [left, right]) await harness.booksSay(gateway, 'it is asked', ({ recorded }) => recorded >= 100)
    await proxy.cut()
    await harness.answers(300)
    for (const gateway of [left, right]) await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled > 0)
    await harness.load.pause(atRiskMs)
    await harness.booksSay(dying, 'all of its rows are spooled', ({ waiting, spooled }) => waiting === 0 && spooled > 0)
    const { spooled } = harness.books.lastOf(dying.life)!.books
    const before = harness.books.lastOf(living.life)!.books
    await dying.kill()
    await dying.start({ awaitsReady: false })
    const taken = () => {
      const newcomer = harness.books.lastOf(dying.life)?.books.recovered ?? 0
      return newcomer + harness.books.lastOf(living.life)!.books.recovered - before.recovered
    }
    await harness.booksSay(dying, 'the leftovers are taken, by one or the other', () => taken() >= spooled)
    t.equal(taken(), spooled, 'what was left is taken, once, and nothing else')
    harness.load.resume()
    await proxy.resume()
    await dying.life.process.cli.prints('"ready: the key store was reached"')
  }
  await harness.answers(200)
  await harness.finish()
}
