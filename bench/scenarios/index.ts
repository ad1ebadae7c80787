import type { Bench } from '../bench.ts'
import type { ScenarioName } from '../options.ts'
import type { Peer } from '../peers/peer.ts'
import type { Section } from '../results.ts'
import { measureFirstUse } from './first-use.ts'
import { measureHot } from './hot.ts'
import { measureJunk } from './junk.ts'
import { measureLatency } from './latency.ts'
import { measureBcrypt, measureRestart } from './restart.ts'
import { measureBodies, measureRoutes } from './saturation.ts'
import { measureUsage } from './usage.ts'
import { measureUsageCopy } from './usage-copy.ts'
import { measureUsageCost } from './usage-cost.ts'
import { measureUsageVolume } from './usage-volume.ts'
import { measureWorkers } from './workers.ts'

export const scenarios: Record<ScenarioName, (bench: Bench, peers: readonly Peer[]) => Promise<Section[]>> = {
  hot: measureHot,
  bodies: measureBodies,
  routes: measureRoutes,
  latency: measureLatency,
  junk: measureJunk,
  'first-use': measureFirstUse,
  restart: measureRestart,
  bcrypt: measureBcrypt,
  usage: measureUsage,
  'usage-cost': measureUsageCost,
  'usage-volume': measureUsageVolume,
  'usage-copy': measureUsageCopy,
  workers: measureWorkers,
}
