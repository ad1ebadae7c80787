import { setTimeout as delay } from 'node:timers/promises'
import { scrape } from '../support/scrape.ts'
import { until } from '../support/until.ts'
import type { Changes } from './changes.ts'
import type { DatabasePath } from './database-path.ts'
import type { Dice } from './dice.ts'
import type { Violation } from './exchange.ts'
import { recoveryMs, type Timeline, type Window } from './timeline.ts'
import { gatewayRole, type World } from './world.ts'

export interface Scene {
  readonly world: World
  readonly timeline: Timeline
  readonly changes: Changes
  readonly onViolation: (violation: Violation) => void
}

/** One fault of the schedule, with all that was decided about it beforehand. */
export interface PlannedFault {
  readonly kind: FaultKind
  readonly durationMs: number
  /** Which gateway, target or half it is about; its meaning is the kind's. */
  readonly side: number
}

type Play = (scene: Scene, fault: PlannedFault) => Promise<void>

const plays = {
  'database stopped': async (scene, fault) => await stopDatabase(scene, fault, 'fast'),
  'database crashed': async (scene, fault) => await stopDatabase(scene, fault, 'immediate'),
  'database frozen': async (scene, { durationMs }) => await during(scene, 'database frozen', null, async () => {
    await scene.world.database.freeze()
    await delay(durationMs)
    scene.world.database.thaw()
  }),
  'database slow': async (scene, { durationMs, side }) => await onPaths(scene, side, 'database slow', async paths => {
    for (const path of paths) path.slow(100 + side % 7 * 40)
    await delay(durationMs)
    for (const path of paths) path.slow(0)
  }),
  'connections reset': async (scene, { durationMs, side }) => await onPaths(scene, side, 'connections reset', async paths => {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= 400) {
      for (const path of paths) path.reset()
      await delay(400)
    }
  }),
  'connections refused': async (scene, { durationMs, side }) => await onPaths(scene, side, 'connections refused', async paths => {
    await Promise.all(paths.map(async path => await path.refuse()))
    await delay(durationMs)
    await Promise.all(paths.map(async path => await path.open()))
  }),
  'connections stalled': async (scene, { durationMs, side }) => await onPaths(scene, side, 'connections stalled', async paths => {
    for (const path of paths) path.stall(true)
    await delay(durationMs)
    for (const path of paths) path.stall(false)
  }),
  'out of connections': async (scene, { durationMs }) => await during(scene, 'out of connections', null, async () => {
    const { pool } = scene.world.registry
    await pool.query(`alter role ${gatewayRole} connection limit 0`)
    await scene.world.terminate('%')
    await delay(durationMs)
    await pool.query(`alter role ${gatewayRole} connection limit -1`)
  }),
  'database read-only': async (scene, { durationMs }) => {
    const { world } = scene
    // Looking keys up goes on but for the moment in which sessions end.
    await during(scene, 'sessions ended, read-only from now on', null, async () => {
      await world.registry.pool.query(`alter role ${gatewayRole} set default_transaction_read_only = on`)
      await world.terminate('%')
    })
    await delay(durationMs)
    await during(scene, 'sessions ended, writable again', null, async () => {
      await world.registry.pool.query(`alter role ${gatewayRole} reset default_transaction_read_only`)
      await world.terminate('%')
    })
  },
  'database failed over': failOver,
  'sessions killed': async scene => await during(scene, 'sessions killed', null, async () => await scene.world.terminate('%')),
  // No window: changes are to be noticed within a second all the same.
  'LISTEN killed': async ({ world }, { durationMs }) => {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= 1_500) {
      await world.terminate('%listener%')
      await delay(1_500)
    }
  },
  'target killed': async (scene, { durationMs, side }) => await onTarget(scene, side, 'killed', async target => {
    await target.kill()
    await delay(durationMs)
    await target.start()
  }),
  'target frozen': async (scene, { durationMs, side }) => await onTarget(scene, side, 'frozen', async target => {
    target.freeze()
    await delay(durationMs)
    target.thaw()
  }),
  'target resetting': async (scene, { durationMs, side }) => await onTarget(scene, side, 'resetting', async target => {
    target.reset(true)
    await delay(durationMs)
    target.reset(false)
  }),
  // No window either: what it was at is tried once more.
  'bcrypt killed': async ({ world, timeline }) => {
    for (const gateway of world.gateways) {
      if (!await gateway.killBcrypt()) timeline.note(`${gateway.name} has no bcrypt process`)
    }
  },
  'gateway restarted': async ({ world, timeline, onViolation }, { side }) => {
    const gateway = world.gateways[side % world.gateways.length]!
    const window = timeline.open('gateway', `${gateway.name} restarted`, gateway.name)
    const ending = await gateway.stop()
    if (ending !== 'in order') onViolation({ kind: 'gateway failed', what: `${gateway.name} ended on SIGTERM: ${ending}`, exchange: null })
    for (const line of await gateway.logLinesWith('usage rows lost')) onViolation({ kind: 'missing row', what: `${gateway.name}: ${line}`, exchange: null })
    await gateway.start()
    timeline.close(window)
  },
  'configuration changed': async ({ world }, { side }) => {
    const version = world.config.latest === 'a' ? 'b' : 'a'
    const change = world.config.begin('written', version)
    world.writeConfig(version)
    world.config.settle(change)
    // Without it, the file's status is looked at once a second.
    if (side % 2 === 0) for (const gateway of world.gateways) gateway.hangUp()
  },
  'configuration faulty': async ({ world, onViolation }, { durationMs }) => {
    const isSeen = async (value: number, what: string) => {
      await until(async () => {
        const values = await Promise.all(world.gateways.map(async ({ adminUrl }) => (await scrape(adminUrl)).get('latchkey_config_last_reload_success')))
        return values.every(found => found === value)
      }, `every gateway says that ${what}`).catch((err: unknown) => { onViolation({ kind: 'gateway failed', what: String(err), exchange: null }) })
    }
    world.writeConfig('faulty')
    await isSeen(0, 'the file is faulty')
    await delay(durationMs)
    world.writeConfig(world.config.latest)
    await isSeen(1, 'the file is whole')
  },
} as const satisfies Record<string, Play>

export type FaultKind = keyof typeof plays
export const faultKinds = Object.keys(plays) as FaultKind[]

export async function play (scene: Scene, fault: PlannedFault): Promise<void> {
  await (plays[fault.kind] as Play)(scene, fault)
}

/** Two of one domain never go together, nor do a gateway that stops and what it needs in order to stop or start well. */
const domains: Readonly<Record<FaultKind, 'database' | 'target' | 'gateway' | 'bcrypt'>> = {
  'database stopped': 'database',
  'database crashed': 'database',
  'database frozen': 'database',
  'database slow': 'database',
  'connections reset': 'database',
  'connections refused': 'database',
  'connections stalled': 'database',
  'out of connections': 'database',
  'database read-only': 'database',
  'database failed over': 'database',
  'sessions killed': 'database',
  'LISTEN killed': 'database',
  'target killed': 'target',
  'target frozen': 'target',
  'target resetting': 'target',
  'bcrypt killed': 'bcrypt',
  'gateway restarted': 'gateway',
  'configuration changed': 'gateway',
  'configuration faulty': 'gateway',
}

/**
 * The next faults, one or two at once, and the pause before them, in which everything has to be well. The same seed gives
 * the same schedule. Each kind comes once before any comes again.
 */
export function * schedule (dice: Dice, among: readonly FaultKind[]): Generator<{ readonly pauseMs: number, readonly faults: readonly PlannedFault[] }> {
  for (;;) {
    const kinds = dice.shuffled(among)
    while (kinds.length > 0) {
      const first = kinds.shift()!
      const other = dice.chance(0.35) ? kinds.findIndex(kind => goTogether(first, kind)) : -1
      const chosen = other === -1 ? [first] : [first, kinds.splice(other, 1)[0]!]
      yield {
        pauseMs: recoveryMs + dice.whole(1_000, 6_000),
        faults: chosen.map(kind => ({ kind, durationMs: dice.whole(500, 8_000), side: dice.whole(0, 41) })),
      }
    }
  }
}

function goTogether (one: FaultKind, other: FaultKind): boolean {
  const both = [domains[one], domains[other]]
  return both[0] !== both[1] && !(both.includes('gateway') && both.includes('database'))
}

async function during (scene: Scene, what: string, gateway: string | null, work: () => Promise<void>): Promise<void> {
  const window = scene.timeline.open('database', what, gateway)
  await work()
  scene.timeline.close(window)
}

/** Both ways to the database, or only one gateway's. */
async function onPaths ({ world, timeline }: Scene, side: number, what: string, work: (paths: readonly DatabasePath[]) => Promise<void>): Promise<void> {
  const all = [...world.paths]
  const chosen = side % 3 === 2 ? all : [all[side % 3]!]
  const windows: Window[] = chosen.map(([name]) => timeline.open('database', what, name))
  await work(chosen.map(([, path]) => path))
  for (const window of windows) timeline.close(window)
}

async function onTarget ({ world, timeline }: Scene, side: number, what: string, work: (target: World['targets'][number]) => Promise<void>): Promise<void> {
  const target = world.targets[side % world.targets.length]!
  const window = timeline.open('target', `${target.name} ${what}`)
  await work(target)
  timeline.close(window)
}

async function stopDatabase ({ world, timeline, changes }: Scene, { durationMs }: PlannedFault, mode: 'fast' | 'immediate'): Promise<void> {
  // What becomes of a change that the end of the server meets, nobody could say.
  await changes.pause()
  const window = timeline.open('database', `database stopped (${mode})`)
  await world.database.stop(mode)
  await delay(durationMs)
  await world.database.start()
  timeline.close(window)
  changes.resume()
}

async function failOver ({ world, timeline, changes }: Scene): Promise<void> {
  const before = world.database
  const standby = await world.startStandby()
  await changes.pause()
  const window = timeline.open('database', 'database failed over')
  await Promise.all([...world.paths.values()].map(async path => await path.refuse()))
  const { rows: [primary] } = await before.pool.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')
  // An orderly end waits until the standby has all that was committed.
  await before.stop('fast')
  await until(async () => {
    const { rows: [row] } = await standby.pool.query<{ is_there: boolean }>(
      'select pg_last_wal_replay_lsn() >= $1::pg_lsn and pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() as is_there', [primary?.lsn])
    return row?.is_there === true
  }, 'the standby has all of the primary')
  await standby.promote()
  world.adopt(standby)
  await Promise.all([...world.paths.values()].map(async path => await path.open()))
  timeline.close(window)
  changes.resume()
}
