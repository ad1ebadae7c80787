import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { Books } from './books.ts'
import { Changes } from './changes.ts'
import { Court } from './court.ts'
import { Dice } from './dice.ts'
import { nameOfOutcome, type StoredRow } from './exchange.ts'
import { type FaultKind, type PlannedFault, play, schedule } from './faults.ts'
import { Load } from './load.ts'
import { Population } from './population.ts'
import { Pulse } from './pulse.ts'
import { countedBy, Report } from './report.ts'
import { judgeRows } from './row-oracle.ts'
import { Timeline } from './timeline.ts'
import type { Circumstances } from './verdicts.ts'
import { World } from './world.ts'

export interface ChaosOptions {
  /** The same seed gives the same schedule of faults. */
  readonly seed: number
  readonly minutes: number
  readonly requestsPerSecond: number
  readonly keys: number
  readonly kinds: readonly FaultKind[]
  readonly jsonFile: string | undefined
  /** Ends the faults before their time; what was seen until then is judged. */
  readonly signal: AbortSignal
}

const changesPerSecond = 8
/** Far longer than a flush takes once all is well. */
const flushTimeoutMs = 60_000

/**
 * Real gateways under load, faults of all that they depend on, keys that change meanwhile, and an oracle that judges
 * every answer. Talks to loopback only and ends all that it started. Resolves with whether nothing was violated.
 */
export async function runChaos (options: ChaosOptions): Promise<boolean> {
  const { seed, minutes, keys } = options
  process.stdout.write(`chaos with seed ${seed}: npm run chaos -- --seed ${seed} --minutes ${minutes}\n`)
  const timeline = new Timeline()
  const population = new Population()
  const world = new World(sighting => court.see(sighting))
  const report = new Report(timeline, async ({ id, gateway, life }) => await world.gateways.find(({ name }) => name === gateway)?.logLinesWith(`"${id}"`, life) ?? [])
  const changes = new Changes({ population, registry: () => world.registry, bcrypt: world.bcrypt, dice: new Dice(seed, 'changes'), perSecond: changesPerSecond })
  const circumstances: Circumstances = { timeline, config: world.config, bulk: changes.bulk, deletedKeyIds: population.deletedKeyIds }
  const court = new Court(circumstances, changes, violation => report.violated(violation))
  const books = new Books(world.gateways, timeline, violation => report.violated(violation))
  const load = new Load({ gateways: world.gateways, population, dice: new Dice(seed, 'load'), perSecond: options.requestsPerSecond, onExchange: exchange => court.hear(exchange) })
  const pulse = new Pulse(() => world.registry.pool, timeline)
  const judging = setInterval(() => court.judge(), 1_000)
  try {
    await world.start()
    await population.settle(world.registry.manager, new Dice(seed, 'population'), keys)
    // As adopted ones are: found by their prefix and proven by bcrypt, at their first use.
    await world.registry.pool.query('update api_keys set key_lookup = null, pepper_id = null where id % 2 = 0')
    report.say(`${keys} keys, 2 gateways, 2 targets`)
    load.start()
    changes.start()
    books.start()
    pulse.start()
    const played = await playFaults(options, { world, timeline, changes, onViolation: violation => report.violated(violation) }, report)
    await changes.stop()
    await load.stop()
    await books.stop()
    await pulse.stop()
    const rows = await storedRows(world, books)
    court.judge({ all: true })
    for (const violation of judgeRows(court.exchanges, rows, id => court.wasSeen(id), circumstances)) report.violated(violation)
    await report.tellLogs()
    report.tellSummary({
      seed,
      minutes,
      keys,
      requests: court.exchanges.length,
      outcomes: countedBy(court.exchanges, nameOfOutcome),
      faults: countedBy(played, ({ kind }) => kind),
      changes: changes.counts,
      changesOfUnknownOutcome: changes.unknown,
      rows: rows.length,
      rowsWaitingMax: books.waitingMax,
      scrapes: books.scrapes,
      slowAnswers: pulse.slowAnswers,
      slowestAnswerMs: pulse.slowest,
      violations: countedBy(report.violations, ({ kind }) => kind),
    }, options.jsonFile)
  } catch (err) {
    report.violated({ kind: 'gateway failed', what: `the run broke off: ${err instanceof Error ? err.stack : String(err)}`, exchange: null })
  } finally {
    clearInterval(judging)
    await Promise.all([changes.stop(), load.stop(), books.stop(), pulse.stop()])
    for (const fault of await world.close()) report.say(`while closing: ${fault}`)
  }
  return report.violations.length === 0
}

/** Until the time is over. Resolves, all of them ended, with those that were played. */
async function playFaults ({ seed, minutes, kinds, signal }: ChaosOptions, scene: Parameters<typeof play>[0], report: Report): Promise<PlannedFault[]> {
  const endMs = Date.now() + minutes * 60_000
  const played: PlannedFault[] = []
  for (const { pauseMs, faults } of schedule(new Dice(seed, 'faults'), kinds)) {
    if (Date.now() + pauseMs > endMs) {
      await delay(Math.max(0, endMs - Date.now()), undefined, { signal }).catch(() => {})
      break
    }
    await delay(pauseMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    report.say(faults.map(({ kind, durationMs, side }) => `${kind} (${(durationMs / 1000).toFixed(1)} s, side ${side})`).join(' and '))
    scene.timeline.note(`begin of ${faults.map(({ kind }) => kind).join(' and ')}`)
    await Promise.all(faults.map(async fault => await play(scene, fault)))
    scene.timeline.note('end of it')
    played.push(...faults)
  }
  return played
}

/** Once every gateway has written all that it recorded. */
async function storedRows ({ gateways, registry }: World, books: Books): Promise<StoredRow[]> {
  await until(async () => {
    const all = await Promise.all(gateways.map(async gateway => await books.read(gateway)))
    return all.every(found => found !== null && found.waiting === 0 && found.spooled === 0)
  }, 'every usage row is written', { timeoutMs: flushTimeoutMs })
  const { rows } = await registry.pool.query<StoredRow>(
    `select request_id as "requestId", api_key_id as "keyId", route, method, endpoint, status_code as status
     from api_key_usage where request_id like 'chaos-%'`)
  return rows
}
