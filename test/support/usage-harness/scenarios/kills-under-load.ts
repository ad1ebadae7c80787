import type { Test } from 'tap'
import { Dice } from '../../../chaos/dice.ts'
import { type HarnessOptions, startHarness } from '../harness.ts'
import { atRiskMs } from '../judge.ts'

/** SIGKILL at random moments, and started again on the same data folder each time. */
export async function killsUnderLoad (t: Test, { kills, load = {}, seed = Math.trunc(Math.random() * 1e9) }: { readonly kills: number, readonly load?: HarnessOptions['load'], readonly seed?: number }): Promise<void> {
  t.comment(`seed ${seed}`)
  const dice = new Dice(seed, 'kills')
  const harness = await startHarness(t, { load })
  const gateway = await harness.start()
  for (let kill = 1; kill <= kills; kill++) {
    // Sometimes when it has only begun, sometimes within a flush, of which there are a few a second.
    await harness.answers(dice.chance(0.4) ? dice.whole(1, 100) : dice.whole(100, 4_000))
    // Where nobody has asked for a while, nothing may be lost at all.
    if (dice.chance(0.5)) await harness.load.pause(atRiskMs)
    await gateway.kill()
    harness.load.resume()
    await gateway.start()
  }
  await harness.answers(200)
  await harness.finish()
}
