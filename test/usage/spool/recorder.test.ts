import { execFileSync } from 'node:child_process'
import { constants, mkdir, open, readFile, rename, rm, rmdir, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Pool } from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import type { UsageRecorder, UsageRecorderOptions } from '../../../src/usage/recorder.ts'
import { wholeRows } from '../../../src/usage/spool/segment-format.ts'
import type { UsageStore } from '../../../src/usage/store.ts'
import { createDatabase } from '../../support/postgres.ts'
import { proxyTo, type TcpProxy } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'
import { addsUp, createKeys, openTransaction, postgresStore, rowOf, startRecorder } from '../support.ts'
import { copyAsLeftover, dataFolder, newName, openSpool, segmentFiles } from './support.ts'

interface World {
  readonly url: string
  readonly pool: Pool
  readonly proxy: TcpProxy
  readonly store: UsageStore
  readonly dataDir: string
  readonly keyId: number
}

async function createWorld (t: Test): Promise<World> {
  const { url, pool } = await createDatabase(t)
  const proxy = await proxyTo(url)
  t.teardown(() => proxy.close())
  const [keyId = 0] = await createKeys(pool, 1)
  return { url, pool, proxy, store: postgresStore(t, proxy.through(url)), dataDir: await dataFolder(t), keyId }
}

function start (t: Test, { store, dataDir }: World, { name = newName(), ...options }: { name?: string } & Partial<UsageRecorderOptions> = {}, bytesMax = 1e9, whenFull: 'dropNewest' | 'dropOldest' = 'dropNewest') {
  const started = startRecorder(t, {
    store,
    spool: { open: async () => await openSpool(dataDir, { name }), bytesMax, whenFull, fsync: 'flush' },
    flushRows: 10,
    ...options,
  })
  started.recorder.startSpool().catch(t.threw)
  return started
}

function record (recorder: UsageRecorder, keyId: number, from: number, to: number): void {
  for (let i = from; i < to; i++) recorder.record(rowOf(keyId, { requestId: `row-${i}` }))
}

async function stored (pool: Pool): Promise<{ all: number, distinct: number }> {
  const { rows: [counts] } = await pool.query<{ all: number, distinct: number }>('select count(*)::int as all, count(distinct request_id)::int as distinct from api_key_usage')
  return counts!
}

t.test('rows get to the disk soon after, whatever the store does, and leave it when they are stored', async t => {
  const world = await createWorld(t)
  await world.proxy.cut()
  const { recorder } = start(t, world)
  record(recorder, world.keyId, 0, 25)
  await until(() => recorder.stats().spooled === 25, 'all are spooled')
  t.match(recorder.stats(), { recorded: 25, waiting: 0, written: 0, dropped: 0 })
  t.equal((await segmentFiles(world.dataDir)).length, 3)
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 25
  }, 'all are stored')
  await until(async () => (await segmentFiles(world.dataDir)).length === 0, 'the segments are gone')
  t.same(await stored(world.pool), { all: 25, distinct: 25 })
  t.match(recorder.stats(), { spooled: 0, waiting: 0, spool: { bytes: 0, up: 1 } })
})

t.test('whatever a killed process leaves is written once, wherever it was killed', async t => {
  const world = await createWorld(t)
  const name = newName()
  await world.proxy.cut()
  const { recorder } = start(t, world, { name })
  record(recorder, world.keyId, 0, 45)
  await until(() => recorder.stats().spooled === 45, 'all are spooled')
  // As if killed before anything was stored …
  await copyAsLeftover(world.dataDir, name)
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 45
  }, 'all are stored')
  // … by now they are, so it was killed between the commit and the removal of the segments.
  const next = start(t, world)
  await until(async () => next.recorder.stats().written === 45, 'all are found')
  t.match(next.recorder.stats(), { recorded: 0, recovered: 45, written: 45, dropped: 0, waiting: 0, spooled: 0 })
  t.same(await stored(world.pool), { all: 45, distinct: 45 })
  t.same(await segmentFiles(world.dataDir), [])
})

t.test('so it is amid rows that are refused, locked and orphaned', async t => {
  const world = await createWorld(t)
  const { pool, url, keyId } = world
  const [locked = 0, deleted = 0] = await createKeys(pool, 2)
  await pool.query("alter table api_key_usage add check (endpoint <> '/poison')")
  await pool.query('delete from api_keys where id = $1', [deleted])
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [locked])
  const name = newName()
  await world.proxy.cut()
  const { recorder } = start(t, world, { name, flushRows: 40 })
  for (let i = 0; i < 40; i++) {
    recorder.record(rowOf([keyId, locked, keyId, deleted][i % 4]!, { endpoint: i % 8 === 2 ? '/poison' : '/good', requestId: `row-${i}` }))
  }
  await until(() => recorder.stats().spooled === 40, 'all are spooled')
  const before = await copyAsLeftover(world.dataDir, name)
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().spooled === 10
  }, 'all but the locked ones are settled')
  t.match(recorder.stats(), { written: 15, dropped: 15, waiting: 0 })
  t.equal((await segmentFiles(world.dataDir)).filter(file => !file.includes(before)).length, 1, 'the segment stays for the locked ones')
  // Killed now; what was refused would be accepted by the time that it is found again.
  await pool.query('alter table api_key_usage drop constraint api_key_usage_endpoint_check')
  await holder.query('rollback')
  const next = start(t, world)
  await until(() => next.recorder.stats().spooled === 0 && next.recorder.stats().recovered === 40, 'the leftover is settled')
  t.ok(addsUp(next.recorder.stats()), 'the books balance')
  const { rows } = await pool.query<{ request_id: string, rows: number }>('select request_id, count(*)::int as rows from api_key_usage group by 1')
  t.same(rows.filter(row => row.rows > 1), [], 'nothing twice')
  t.equal(rows.length, 30, 'all but those of the deleted key: what had been refused is accepted now')
  await recorder.flush()
  t.same(await stored(pool), { all: 30, distinct: 30 }, 'nor by the first, which still lives')
})

t.test('what was split comes apart in the same places when the disk holds fewer rows', async t => {
  const world = await createWorld(t)
  const { pool, keyId } = world
  await pool.query("alter table api_key_usage add check (endpoint <> '/poison')")
  for (const rowsOnDisk of [12, 9]) {
    await pool.query('delete from api_key_usage')
    const name = newName()
    await world.proxy.cut()
    const { recorder } = start(t, world, { name, flushRows: 40 })
    record(recorder, keyId, 0, rowsOnDisk)
    await until(() => recorder.stats().spooled === rowsOnDisk, 'the first are spooled')
    await copyAsLeftover(world.dataDir, name)
    record(recorder, keyId, rowsOnDisk, 18)
    recorder.record(rowOf(keyId, { endpoint: '/poison' }))
    record(recorder, keyId, 18, 19)
    await world.proxy.resume()
    await until(async () => {
      await recorder.flush()
      return recorder.stats().written === 19
    }, 'all but one are stored')
    const next = start(t, world)
    await until(() => next.recorder.stats().recovered === rowsOnDisk && next.recorder.stats().spooled === 0, 'the leftover is settled')
    t.same(await stored(pool), { all: 19, distinct: 19 }, `${rowsOnDisk} on the disk`)
    t.match(next.recorder.stats(), { written: rowsOnDisk, dropped: 0 })
  }
})

t.test('rows of a key that is locked for long keep none but themselves', async t => {
  const world = await createWorld(t)
  const { pool, url, keyId } = world
  const [locked = 0] = await createKeys(pool, 1)
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [locked])
  const name = newName()
  const { recorder } = start(t, world, { name, flushRows: 100 })
  let rows = 0
  for (let round = 1; round <= 20; round++) {
    record(recorder, keyId, rows, rows += 60)
    record(recorder, locked, rows, rows += 1)
    await until(async () => {
      await recorder.flush()
      return recorder.stats().spooled === round && recorder.stats().waiting === 0
    }, 'all but those of the locked key are stored')
  }
  await until(async () => (await segmentFiles(world.dataDir)).length === 20, 'nothing else is on the disk')
  t.ok(recorder.stats().spool.bytes < 20 * 200, `${recorder.stats().spool.bytes} bytes`)
  // Killed now.
  await copyAsLeftover(world.dataDir, name)
  await holder.query('rollback')
  const next = start(t, world)
  await until(() => next.recorder.stats().written === 20, 'the next writes them')
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === rows
  }, 'all are stored')
  t.same(await stored(pool), { all: rows, distinct: rows })
})

t.test('a segment that has lost rows since it was found costs these, and holds up nobody', async t => {
  const world = await createWorld(t)
  const before = start(t, world)
  await until(async () => before.recorder.stats().spool.up === 1, 'it is open')
  await world.proxy.cut()
  record(before.recorder, world.keyId, 0, 30)
  await before.recorder.close({ timeoutMs: 0 })
  const { recorder } = start(t, world)
  await until(() => recorder.stats().recovered === 30, 'they are found')
  for (const file of await segmentFiles(world.dataDir)) await truncate(path.join(world.dataDir, file), 300)
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().spooled === 0
  }, 'all is settled')
  t.ok(addsUp(recorder.stats()))
  t.ok(recorder.stats().dropped > 10 && recorder.stats().written > 5)
})

t.test('a disk that can not be synced gets no row twice', async t => {
  const world = await createWorld(t)
  await world.proxy.cut()
  const { recorder } = startRecorder(t, {
    store: world.store,
    flushRows: 10,
    spool: {
      open: async () => {
        const spool = await openSpool(world.dataDir)
        let failures = 0
        const sync = spool.sync.bind(spool)
        spool.sync = async file => {
          if (failures++ < 3) throw new Error('EIO')
          await sync(file)
        }
        return spool
      },
      bytesMax: 1e9,
      whenFull: 'dropNewest',
      fsync: 'always',
    },
  })
  await recorder.startSpool()
  record(recorder, world.keyId, 0, 4)
  await until(() => recorder.stats().spool.down === 1, 'it is down')
  record(recorder, world.keyId, 4, 6)
  await until(() => recorder.stats().spool.up === 1, 'it is up again')
  const files = await segmentFiles(world.dataDir)
  const rows = await Promise.all(files.map(async file => wholeRows(await readFile(path.join(world.dataDir, file))).rows.count))
  t.same(rows, [6])
})

t.test('a damaged tail is cut off, and all before it is written once', async t => {
  const world = await createWorld(t)
  const name = newName()
  await world.proxy.cut()
  const { recorder } = start(t, world, { name, flushRows: 100 })
  record(recorder, world.keyId, 0, 5)
  await until(() => recorder.stats().spooled === 5, 'all are spooled')
  const dead = await copyAsLeftover(world.dataDir, name)
  const [file = ''] = (await segmentFiles(world.dataDir)).filter(name => name.includes(dead))
  await writeFile(path.join(world.dataDir, file), 'torn', { flag: 'a' })
  await world.proxy.resume()
  const next = start(t, world)
  await until(() => next.recorder.stats().written === 5, 'what is whole is written')
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 5
  }, 'the other settles its books, too')
  t.same(await stored(world.pool), { all: 5, distinct: 5 })
})

t.test('memory is bounded: an outage fills the disk and not the memory', async t => {
  const world = await createWorld(t)
  await world.proxy.cut()
  const { recorder } = start(t, world, { flushRows: 1000, rowsMax: 5_000 })
  const userAgent = 'x'.repeat(500)
  let recorded = 0
  while (recorded < 60_000) {
    for (let i = 0; i < 2_000; i++) recorder.record(rowOf(world.keyId, { userAgent, requestId: `row-${recorded++}` }))
    await until(() => recorder.stats().waiting < 1_000, 'the disk keeps up')
  }
  await until(() => recorder.stats().waiting === 0, 'all are spooled')
  t.match(recorder.stats(), { recorded, spooled: recorded, dropped: 0 })
  t.ok(recorder.stats().spool.bytes > 30e6, 'more than is kept in memory')
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === recorded
  }, 'all are stored', { timeoutMs: 60_000 })
  t.same(await stored(world.pool), { all: recorded, distinct: recorded })
})

for (const whenFull of ['dropNewest', 'dropOldest'] as const) {
  t.test(`a full spool gives up rows: ${whenFull}`, async t => {
    const world = await createWorld(t)
    await world.proxy.cut()
    const { recorder, lines } = start(t, world, { flushRows: 20, rowsMax: 40 }, 20_000, whenFull)
    let recorded = 0
    for (let i = 0; i < 40; i++) {
      record(recorder, world.keyId, recorded, recorded += 10)
      await until(() => recorder.stats().waiting === 0 || (whenFull === 'dropNewest' && recorder.stats().spool.bytes > 18_000), 'they are somewhere')
    }
    const { dropped, spooled, waiting, spool } = recorder.stats()
    t.ok(dropped > 100 && dropped < 300, `${dropped} dropped`)
    t.ok(spool.bytes <= 20_000, `${spool.bytes} bytes`)
    t.equal(recorded, dropped + spooled + waiting)
    t.ok(lines.some(({ msg, reason }) => msg === 'usage rows dropped' && reason === (whenFull === 'dropOldest' ? 'spool full' : 'queue full')), 'logged')
    await world.proxy.resume()
    await until(async () => {
      await recorder.flush()
      return recorder.stats().written === recorded - dropped
    }, 'the others are stored')
    const { rows: [first] } = await world.pool.query<{ has: boolean }>("select exists (select from api_key_usage where request_id = 'row-25') as has")
    t.equal(first!.has, whenFull === 'dropNewest')
    t.same(await stored(world.pool), { all: recorded - dropped, distinct: recorded - dropped })
  })
}

t.test('of a full spool, what was put off gives place first: it is the oldest', async t => {
  const world = await createWorld(t)
  const { pool, url, keyId } = world
  const [locked = 0] = await createKeys(pool, 1)
  const holder = await openTransaction(t, url, 'select from api_keys where id = $1 for update', [locked])
  const { recorder } = start(t, world, { flushRows: 20 }, 20_000, 'dropOldest')
  record(recorder, locked, 0, 20)
  await until(async () => {
    await recorder.flush()
    return recorder.stats().spooled === 20
  }, 'what is put off is spooled')
  await world.proxy.cut()
  let recorded = 20
  while (recorder.stats().dropped < 40) {
    record(recorder, keyId, recorded, recorded += 20)
    await until(() => recorder.stats().waiting === 0, 'they are on the disk')
    t.ok(addsUp(recorder.stats()), 'the books balance')
  }
  const { dropped } = recorder.stats()
  await holder.query('rollback')
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().spooled === 0
  }, 'all that is left is stored')
  t.match(recorder.stats(), { recorded, dropped, written: recorded - dropped })
  const { rows } = await pool.query<{ id: string }>('select request_id as id from api_key_usage')
  const numbers = rows.map(({ id }) => Number(id.slice('row-'.length))).sort((a, b) => a - b)
  t.ok(numbers[0]! >= 20, 'what was put off is gone')
  t.same(numbers.slice(20), Array.from({ length: recorded - dropped - 20 }, (_, i) => dropped + 20 + i), 'of the others, the oldest but for those that are just being written')
  t.same(await stored(pool), { all: recorded - dropped, distinct: recorded - dropped }, 'once')
})

t.test('a segment that can not be read now waits, and holds up no other', async t => {
  const world = await createWorld(t)
  const before = start(t, world)
  await until(async () => before.recorder.stats().spool.up === 1, 'it is open')
  await world.proxy.cut()
  record(before.recorder, world.keyId, 0, 30)
  await before.recorder.close({ timeoutMs: 0 })
  const { recorder, lines } = start(t, world)
  await until(() => recorder.stats().recovered === 30, 'they are found')
  const files = (await segmentFiles(world.dataDir)).map(file => path.join(world.dataDir, file))
  for (const file of files) {
    await rename(file, `${file}.away`)
    await mkdir(file)
  }
  record(recorder, world.keyId, 30, 40)
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return (await world.pool.query("select from api_key_usage where request_id ~ '^row-3.$'")).rowCount === 10
  }, 'those behind them are stored')
  // One may have been in memory.
  t.ok(recorder.stats().spooled >= 20)
  t.equal(recorder.stats().dropped, 0)
  t.ok(lines.some(({ level, msg }) => level === 50 && msg.startsWith('a usage segment cannot be read now')))
  for (const file of files) {
    await rmdir(file).catch(() => {})
    await rename(`${file}.away`, file)
  }
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 40
  }, 'all are stored')
  t.same(await stored(world.pool), { all: 40, distinct: 40 })
})

t.test('a segment that vanished from the disk is written there anew, and holds up no other', async t => {
  const world = await createWorld(t)
  await world.proxy.cut()
  let isMounted = true
  const { recorder } = startRecorder(t, {
    store: world.store,
    flushRows: 10,
    spool: {
      open: async () => {
        const spool = await openSpool(world.dataDir)
        const append = spool.append.bind(spool)
        spool.append = async (file, rows) => {
          if (isMounted) return await append(file, rows)
          await file.handle?.close()
          file.handle = null
          throw new Error('EIO')
        }
        return spool
      },
      bytesMax: 1e9,
      whenFull: 'dropNewest',
      fsync: 'never',
    },
  })
  await recorder.startSpool()
  record(recorder, world.keyId, 0, 5)
  await until(() => recorder.stats().spooled === 5, 'they are spooled')
  isMounted = false
  record(recorder, world.keyId, 5, 25)
  await until(() => recorder.stats().spool.down === 1, 'it is down')
  await rm(path.join(world.dataDir, 'spool'), { recursive: true })
  isMounted = true
  await until(() => recorder.stats().spooled === 25, 'all are spooled')
  t.ok(addsUp(recorder.stats()))
  const files = await segmentFiles(world.dataDir)
  const rows = await Promise.all(files.map(async file => wholeRows(await readFile(path.join(world.dataDir, file))).rows.count))
  t.same(rows.sort(), [10, 10, 5])
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 25
  }, 'all are stored')
  t.same(await stored(world.pool), { all: 25, distinct: 25 })
})

t.test('a disk that hangs is down, and used again when it answers, with its files opened anew', async t => {
  const world = await createWorld(t)
  let pipe = ''
  const { recorder, lines } = startRecorder(t, {
    store: world.store,
    flushRows: 10,
    spool: {
      open: async () => {
        const spool = await openSpool(world.dataDir)
        const newFile = spool.newFile.bind(spool)
        // To open a pipe that nobody reads takes until somebody does, and nothing can be written at a place of it.
        spool.newFile = id => {
          const file = newFile(id)
          if (pipe === '') execFileSync('mkfifo', [pipe = file.path])
          return file
        }
        return spool
      },
      bytesMax: 1e9,
      whenFull: 'dropNewest',
      fsync: 'never',
    },
  })
  await recorder.startSpool()
  await world.proxy.cut()
  record(recorder, world.keyId, 0, 5)
  await until(() => pipe !== '', 'it is being opened')
  await until(() => recorder.stats().spool.down === 1, 'it is down')
  t.ok(lines.some(({ level, msg }) => level === 50 && msg.startsWith('usage cannot be spooled')))
  t.match(recorder.stats(), { waiting: 5, dropped: 0 })
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  // From now on a file can be made there.
  await rm(pipe)
  await until(() => recorder.stats().spooled === 5, 'it is used again')
  await reader.close()
  t.equal(recorder.stats().spool.up, 1)
  record(recorder, world.keyId, 5, 10)
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 10
  }, 'all are stored')
  t.same(await stored(world.pool), { all: 10, distinct: 10 })
})

t.test('a disk that fails leaves rows in memory, says so, and is used again when it works', async t => {
  const world = await createWorld(t)
  let isBroken = true
  const { recorder, lines } = startRecorder(t, {
    store: world.store,
    spool: {
      open: async () => {
        if (isBroken) throw new Error('no space left')
        return await openSpool(world.dataDir)
      },
      bytesMax: 1e9,
      whenFull: 'dropNewest',
      fsync: 'always',
    },
  })
  await recorder.startSpool()
  record(recorder, world.keyId, 0, 5)
  await until(() => recorder.stats().spool.down === 1, 'it is down')
  t.ok(lines.some(({ level, msg }) => level === 50 && msg.startsWith('usage cannot be spooled')))
  await recorder.flush()
  t.match(recorder.stats(), { written: 5, waiting: 0, spooled: 0 })
  isBroken = false
  await until(() => recorder.stats().spool.up === 1, 'it is up')
  await world.proxy.cut()
  record(recorder, world.keyId, 5, 10)
  await until(() => recorder.stats().spooled === 5, 'they are spooled')
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().written === 10
  }, 'all are stored')
})

t.test('at the end, what could not be stored stays for the next', async t => {
  const world = await createWorld(t)
  await world.proxy.cut()
  const { recorder, lines } = start(t, world)
  await until(async () => recorder.stats().spool.up === 1, 'it is open')
  record(recorder, world.keyId, 0, 15)
  await recorder.close({ timeoutMs: 200 })
  t.match(recorder.stats(), { recorded: 15, spooled: 15, waiting: 0, dropped: 0 })
  t.ok(lines.some(({ msg, rows }) => msg.startsWith('usage rows stay in the spool') && rows === 15))
  await world.proxy.resume()
  const next = start(t, world)
  await until(() => next.recorder.stats().written === 15, 'the next writes them')
  t.match(next.recorder.stats(), { recovered: 15, spooled: 0 })
  t.same(await stored(world.pool), { all: 15, distinct: 15 })
})

t.test('a segment whose file is gone is given up, and counted', async t => {
  const world = await createWorld(t)
  const before = start(t, world)
  await until(async () => before.recorder.stats().spool.up === 1, 'it is open')
  await world.proxy.cut()
  record(before.recorder, world.keyId, 0, 15)
  await before.recorder.close({ timeoutMs: 0 })
  const { recorder, lines } = start(t, world)
  await until(() => recorder.stats().recovered === 15, 'they are found')
  for (const file of await segmentFiles(world.dataDir)) await rm(path.join(world.dataDir, file))
  await world.proxy.resume()
  await until(async () => {
    await recorder.flush()
    return recorder.stats().dropped + recorder.stats().written === 15
  }, 'it is given up')
  t.ok([5, 10].includes(recorder.stats().dropped), 'but for the one that was in memory already')
  t.ok(addsUp(recorder.stats()))
  t.ok(lines.some(({ level, msg }) => level === 50 && msg.startsWith('a usage segment is gone')))
})

t.test('batches are forgotten once they can not come again', async t => {
  const { store, pool } = await createWorld(t)
  const ids = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444']
  await pool.query('insert into latchkey.usage_batches (batch_id) select unnest($1::uuid[])', [ids])
  await store.forget([ids[0]!])
  t.same((await pool.query('select batch_id from latchkey.usage_batches')).rows, [{ batch_id: ids[1] }])
})
