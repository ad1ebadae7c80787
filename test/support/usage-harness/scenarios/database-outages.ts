import type { Test } from 'tap'
import { Dice } from '../../../chaos/dice.ts'
import { startOwnPostgres } from '../../own-postgres.ts'
import { startHarness } from '../harness.ts'
import { atRiskMs } from '../judge.ts'

/**
 * The database crashes under load, and the gateway is killed while it is away, once or twice, so that only the spool
 * has the rows of the outage.
 */
export async function databaseOutages (t: Test, { outages, seed = Math.trunc(Math.random() * 1e9) }: { readonly outages: number, readonly seed?: number }): Promise<void> {
  t.comment(`seed ${seed}`)
  const dice = new Dice(seed, 'outages')
  const database = await startOwnPostgres(t)
  const harness = await startHarness(t, { database })
  const gateway = await harness.start()
  for (let outage = 1; outage <= outages; outage++) {
    await harness.answers(dice.whole(100, 3_000))
    await database.stop(dice.pick(['immediate', 'kill']))
    await harness.answers(dice.whole(100, 2_000))
    await harness.booksSay(gateway, 'the rows of the outage are spooled', ({ spooled }) => spooled > 0)
    for (let kills = dice.whole(1, 2); kills > 0; kills--) {
      await harness.load.pause(atRiskMs)
      await gateway.kill()
      harness.load.resume()
      await gateway.start({ awaitsReady: false })
    }
    await database.start()
    await gateway.life.process.cli.prints('"ready: the key store was reached"')
    await harness.booksSay(gateway, 'the rows of its former life are found', ({ recovered }) => recovered > 0)
    if (dice.chance(0.5)) {
      // In the middle of what it writes at last.
      await gateway.kill()
      await gateway.start()
    }
  }
  await harness.answers(200)
  await harness.finish()
}
