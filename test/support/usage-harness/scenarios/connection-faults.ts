import type { Test } from 'tap'
import { Dice } from '../../../chaos/dice.ts'
import { CommitCutter, type Fate } from '../../../usage/commit-cutter.ts'
import { createDatabase } from '../../postgres.ts'
import { proxyTo } from '../../tcp-proxy.ts'
import { startHarness } from '../harness.ts'

const fates: readonly Fate[] = ['never arrives', 'answer lost', 'arrives late']

/**
 * The connections to the database stall, are reset, and break at a COMMIT, before it arrives or after it was carried
 * out, each with a kill or without.
 */
export async function connectionFaults (t: Test, { rounds, seed = Math.trunc(Math.random() * 1e9) }: { readonly rounds: number, readonly seed?: number }): Promise<void> {
  t.comment(`seed ${seed}`)
  const dice = new Dice(seed, 'connections')
  const database = await createDatabase(t)
  const cutter = new CommitCutter(database.url, ['passes'])
  const throughCutter = await cutter.listen(database.url)
  const proxy = await proxyTo(throughCutter)
  t.teardown(async () => {
    await proxy.close()
    cutter.close()
  })
  const harness = await startHarness(t, { database })
  const gateway = await harness.start({ databaseUrl: proxy.through(throughCutter) })
  const kill = async () => {
    await gateway.kill()
    await proxy.resume()
    await gateway.start()
  }
  for (let round = 1; round <= rounds; round++) {
    for (const fate of fates) {
      await harness.answers(dice.whole(50, 1_000))
      if (dice.chance(0.6)) {
        let killed: Promise<void> | null = null
        await cutter.cutNext(fate, () => { killed = kill() })
        await killed
      } else {
        await cutter.cutNext(fate, () => {})
        await harness.booksSay(gateway, 'all of it is written', ({ written }) => written > 0)
      }
    }
    await harness.answers(dice.whole(50, 1_000))
    proxy.stall()
    await harness.answers(dice.whole(50, 1_000))
    if (dice.chance(0.5)) await kill()
    proxy.reset()
    await proxy.resume()
    await harness.answers(dice.whole(50, 1_000))
    proxy.reset()
    await harness.answers(50)
    await kill()
  }
  await harness.answers(200)
  await harness.finish()
}
