import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Peppers } from '../../src/keys/digest.ts'
import type { KeyRecord } from '../../src/keys/verifier.ts'
import { type KeyEnd, KeyWatch, type WatchedUse } from '../../src/keys/watch.ts'
import { until } from '../support/until.ts'
import { openKeys, openShared, randomPeppers } from './support.ts'

const shared = await openShared(t)

class Use implements WatchedUse {
  readonly key: KeyRecord
  endedBy: KeyEnd | null = null
  endedAtMs = 0
  /** Whether the last look found it to use an earlier secret; null: there was none. */
  isEarlier: boolean | null = null

  constructor (key: KeyRecord) {
    this.key = key
  }

  mayGoOn (): boolean {
    return true
  }

  goesOn ({ grace }: KeyRecord): void {
    this.isEarlier = grace !== null
  }

  end (why: KeyEnd): void {
    this.endedBy = why
    this.endedAtMs = Date.now()
  }
}

/** A watch on the real clock, which is told of changes by hand; and a key. */
async function open (t: Test) {
  const keys = await openKeys(t, shared, { peppers: new Peppers(randomPeppers()), listens: true })
  const setting = { isAway: false, finds: 0 }
  const watch = new KeyWatch({
    find: async (ids) => {
      setting.finds++
      return await keys.store.findByIds(ids)
    },
    confirmationOf: () => ({ atMs: Date.now(), isCurrent: true }),
    isAdmitted: () => true,
    isStoreAvoided: () => setting.isAway,
    isListening: () => true,
    ttlMs: 60_000,
    serveCachedForMs: 600_000,
    nowMs: Date.now,
    logger: pino({ level: 'silent' }),
  })
  t.teardown(() => watch.close())
  const { key, apiKey: { id } } = await keys.manager.create({ user: 'ada@example.com', name: 'n', scopes: [] })
  const begin = async (key: string): Promise<Use> => {
    await keys.caughtUp()
    const use = new Use((await keys.verifier.verify(key)).key!)
    watch.add(use)
    return use
  }
  /** Tells the watch, and waits until it has asked. */
  const change = async <T>(work: () => Promise<T>): Promise<T> => {
    const result = await work()
    const { finds } = setting
    watch.changed([id])
    await until(() => setting.finds > finds, 'the watch has asked')
    return result
  }
  return { ...keys, setting, id, key, begin, change }
}

t.test('a use of a secret that is replaced goes on until its grace ends, those of the new one and of other keys beyond', async (t) => {
  const { id, key, begin, change, manager } = await open(t)
  const before = await begin(key)
  const { key: present, apiKey } = await change(async () => await manager.rotate(id, { gracePeriodMs: 1_500 }))
  const { expiresAt } = apiKey.earlierSecrets[0]!
  const [during, ofPresent] = [await begin(key), await begin(present)]
  t.equal(before.key.grace, null)
  t.not(during.key.grace, null)
  await until(() => before.endedBy !== null && during.endedBy !== null, 'both are over')
  t.same([before.endedBy, during.endedBy], ['unknown', 'unknown'])
  for (const { endedAtMs } of [before, during]) t.ok(endedAtMs >= expiresAt.getTime(), `not before: ${endedAtMs - expiresAt.getTime()} ms`)
  t.equal(ofPresent.endedBy, null)
})

t.test('a grace that is ended early ends the use with it', async (t) => {
  const { id, key, begin, change, manager } = await open(t)
  const before = await begin(key)
  const { key: present } = await change(async () => await manager.rotate(id))
  const during = await begin(key)
  const ofPresent = await begin(present)
  t.same([before.endedBy, during.endedBy, ofPresent.endedBy], [null, null, null])
  await until(() => before.isEarlier === true, 'what was open before the rotation is known to use what is an earlier secret now')
  t.not(ofPresent.isEarlier, true)
  await change(async () => await manager.endGrace(id))
  await until(() => before.endedBy !== null && during.endedBy !== null, 'both are over')
  t.same([before.endedBy, during.endedBy, ofPresent.endedBy], ['unknown', 'unknown', null])
})

t.test('no outage lets a use go on past its grace', async (t) => {
  const { id, key, begin, setting, manager } = await open(t)
  await manager.rotate(id, { gracePeriodMs: 1_000 })
  const use = await begin(key)
  setting.isAway = true
  await until(() => use.endedBy !== null, 'it is over')
  t.equal(use.endedBy, 'unknown')
  t.ok(use.endedAtMs >= use.key.grace!.endsAtMs)
})

t.test('the key\'s own end comes first', async (t) => {
  const { id, key, begin, change, manager, sql } = await open(t)
  await manager.rotate(id)
  const use = await begin(key)
  await change(async () => await sql("update public.api_keys set expires_at = now() + interval '300 milliseconds' where id = $1", [id]))
  await until(() => use.endedBy !== null, 'it is over')
  t.equal(use.endedBy, 'expired')
})

t.test('a rotation without a grace ends the uses of the secret until now', async (t) => {
  const { id, key, begin, change, manager } = await open(t)
  const use = await begin(key)
  await change(async () => await manager.rotate(id, { gracePeriodMs: 0 }))
  await until(() => use.endedBy !== null, 'it is over')
  t.equal(use.endedBy, 'unknown')
})
