import { randomUUID } from 'node:crypto'
import { appendFile, chown, lstat, mkdir, open, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { wholeRows } from '../../../src/usage/spool/segment-format.ts'
import type { Leftover, Spool } from '../../../src/usage/spool/spool.ts'
import { until } from '../../support/until.ts'
import { decode } from '../support.ts'
import { copyAsLeftover, dataFolder, installationId, newName, openSpool, segmentFiles, someRows } from './support.ts'

async function adopted (spool: Spool, options?: Parameters<Spool['adopt']>[0]): Promise<Leftover[]> {
  const found: Leftover[] = []
  for await (const leftover of spool.adopt(options)) found.push(leftover)
  return found
}

t.test('what is appended is read again, by its owner and by whoever comes after it', async t => {
  const dataDir = await dataFolder(t)
  const spool = await openSpool(dataDir)
  const file = spool.newFile(randomUUID())
  t.same(await segmentFiles(dataDir), [], 'nothing is made before there are rows')
  await spool.append(file, someRows(3))
  await spool.append(file, someRows(2))
  t.equal((await stat(file.path)).mode & 0o777, 0o600)
  t.equal((await stat(path.dirname(file.path))).mode & 0o777, 0o700)
  t.same(decode(await spool.read(file)).map(({ requestId }) => requestId), ['row-0', 'row-1', 'row-2', 'row-0', 'row-1'])
  t.equal(spool.bytes, (await stat(file.path)).size)
  await spool.close()

  const next = await openSpool(dataDir)
  const [leftover, ...others] = await adopted(next)
  t.match(leftover, { id: path.basename(file.path, '.rows'), rows: 5 })
  t.same(others, [])
  t.equal((await next.read(leftover!.file)).count, 5)
  await next.remove(leftover!.file)
  t.equal(next.bytes, 0)
  t.same(await segmentFiles(dataDir), [])
  await next.close()
})

t.test('the segments of a process that lives are left alone, also by several who look at once', async t => {
  const dataDir = await dataFolder(t)
  const name = newName()
  const living = await openSpool(dataDir, { name })
  await living.append(living.newFile(randomUUID()), someRows(1))
  const [segment = ''] = await segmentFiles(dataDir)
  for (let i = 0; i < 10; i++) {
    const folder = path.join(dataDir, 'spool', installationId, await copyAsLeftover(dataDir, name))
    await rename(path.join(folder, path.basename(segment)), path.join(folder, `${randomUUID()}.rows`))
  }
  const spools = await Promise.all(Array.from({ length: 5 }, async () => await openSpool(dataDir)))
  const found = await Promise.all(spools.map(async spool => await adopted(spool)))
  t.equal(found.flat().length, 10, 'each by one of them')
  t.equal((await adopted(living)).length, 0)
  t.equal((await segmentFiles(path.join(dataDir, 'spool', installationId, name))).length, 1)
  await Promise.all([living, ...spools].map(async spool => await spool.close()))
})

t.test('what one that died had taken over is found in its folder', async t => {
  const dataDir = await dataFolder(t)
  const name = newName()
  const spool = await openSpool(dataDir, { name })
  await spool.append(spool.newFile(randomUUID()), someRows(1))
  // As it is when a process dies between taking a folder and taking its files.
  const nested = path.join(dataDir, 'spool', installationId, name, newName(), newName())
  await mkdir(nested, { recursive: true })
  await writeFile(path.join(nested, `${randomUUID()}.rows`), await readFile(path.join(dataDir, (await segmentFiles(dataDir))[0]!)))
  await spool.close()
  const next = await openSpool(dataDir)
  t.equal((await adopted(next)).length, 2)
  t.equal((await segmentFiles(dataDir)).length, 2)
  await next.close()
})

t.test('rows for another database are left where they are', async t => {
  const dataDir = await dataFolder(t)
  const other = await openSpool(dataDir, { installation: '22222222-2222-4222-8222-222222222222' })
  await other.append(other.newFile(randomUUID()), someRows(1))
  await other.close()
  const spool = await openSpool(dataDir)
  t.same(await adopted(spool), [])
  t.same(await spool.otherInstallations(), ['22222222-2222-4222-8222-222222222222'])
  t.equal((await segmentFiles(dataDir)).length, 1)
  await spool.close()
})

t.test('what others may have put into the folder is no segment', async t => {
  const dataDir = await dataFolder(t)
  const dead = path.join(dataDir, 'spool', installationId, newName())
  await mkdir(dead, { recursive: true })
  await writeFile(path.join(dead, 'notes.rows'), 'LKUSAGE\x01')
  await writeFile(path.join(dead, `${randomUUID()}.rows`), '')
  await writeFile(path.join(dead, `${randomUUID()}.rows`), 'something else altogether')
  const spool = await openSpool(dataDir)
  t.same(await adopted(spool), [])
  await spool.close()
})

t.test('of a damaged segment all whole rows are kept, and it is said what is left out', async t => {
  const whole = someRows(5)
  const rowBytes = whole.readUInt32BE(0)
  const damages: [what: string, rows: number, damage: (file: string, size: number) => Promise<void>][] = [
    ['cut in a row', 4, async (file, size) => await truncate(file, size - 1)],
    ['cut in the head of a row', 4, async (file, size) => await truncate(file, size - rowBytes + 2)],
    ['zeros in place of all rows', 0, async (file, size) => await overwrite(file, 8, Buffer.alloc(size - 8))],
    ['another version', 0, async file => await overwrite(file, 7, Buffer.from([2]))],
    ['zeros behind it', 5, async file => await appendFile(file, Buffer.alloc(4096))],
    ['garbage behind it', 5, async file => await appendFile(file, Buffer.alloc(300, 0xff))],
    ['zeros in place of the last rows', 3, async (file, size) => await overwrite(file, size - 2 * rowBytes, Buffer.alloc(2 * rowBytes))],
    ['one bit of a text', 4, async (file, size) => await flipBit(file, size - 2 * rowBytes - 1)],
    ['one bit of a length', 4, async (file, size) => await flipBit(file, size - 2 * rowBytes + 3)],
    ['one bit of a number', 4, async (file, size) => await flipBit(file, size - 2 * rowBytes + 20)],
    ['one bit of a checksum', 4, async file => await flipBit(file, 8 + 5)],
  ]
  for (const [what, rows, damage] of damages) {
    const dataDir = await dataFolder(t)
    const spool = await openSpool(dataDir)
    const file = spool.newFile(randomUUID())
    await spool.append(file, whole)
    await spool.close()
    await damage(file.path, (await stat(file.path)).size)
    const logs: string[] = []
    const next = await openSpool(dataDir, { logs })
    const found = await adopted(next)
    t.equal(found.reduce((sum, leftover) => sum + leftover.rows, 0), rows, what)
    t.ok(logs.some(line => line.includes(rows > 0 ? '"bytesLost"' : 'is put aside')), `${what}: logged`)
    if (rows > 0) {
      const kept = decode(await next.read(found[0]!.file)).map(({ requestId }) => requestId)
      t.equal(kept.length, rows)
      t.ok(['row-0', 'row-1', 'row-2', 'row-3', 'row-4'].join().startsWith(kept.join()) || rows === 4, kept.join())
      t.equal(wholeRows(await readFile(found[0]!.file.path)).end, (await stat(found[0]!.file.path)).size, 'a tail is cut off on the disk as well')
    } else {
      t.equal((await readdir(path.join(dataDir, 'spool'), { recursive: true })).filter(name => name.endsWith('.unreadable')).length, 1, 'put aside')
    }
    await next.close()
  }
})

t.test('rows that the disk took in part are appended again in their place', async t => {
  const dataDir = await dataFolder(t)
  const spool = await openSpool(dataDir)
  const file = spool.newFile(randomUUID())
  await spool.append(file, someRows(1))
  await appendFile(file.path, someRows(1).subarray(0, 20))
  await spool.append(file, someRows(3))
  t.equal((await spool.read(file)).count, 4)
  await spool.append(spool.newFile(randomUUID()), someRows(1))
  await spool.append(file, someRows(1))
  t.equal((await spool.read(file)).count, 5, 'a file that was closed is gone on with')
  await spool.sync(file)
  await spool.remove(file)
  await spool.close()
})

t.test('a file that was made ready takes rows, is removed without any, and is nothing to whoever finds it', async t => {
  const dataDir = await dataFolder(t)
  const name = newName()
  const spool = await openSpool(dataDir, { name })
  const [used, unused, left] = [spool.newFile(randomUUID()), spool.newFile(randomUUID()), spool.newFile(randomUUID())]
  for (const file of [used, unused, left]) spool.makeReady(file)
  await until(async () => (await segmentFiles(dataDir)).length === 3, 'all are made')
  await spool.append(used, someRows(2))
  await spool.append(used, someRows(1))
  t.equal((await spool.read(used)).count, 3)
  t.equal(await spool.remove(unused), true)
  t.same((await segmentFiles(dataDir)).map(file => path.basename(file)).sort(), [used, left].map(file => path.basename(file.path)).sort())
  await copyAsLeftover(dataDir, name)
  const other = await openSpool(dataDir)
  t.match(await adopted(other), [{ rows: 3 }])
  await other.close()
  await spool.close()
})

t.test('of a file that took no row, nothing is left when it is removed', async t => {
  const dataDir = await dataFolder(t)
  const spool = await openSpool(dataDir)
  const [first, second] = [spool.newFile(randomUUID()), spool.newFile(randomUUID())]
  await symlink('/dev/full', first.path)
  await t.rejects(spool.append(first, someRows(5)), { code: 'ENOSPC' })
  await spool.append(second, someRows(1))
  t.equal(await spool.remove(first), true)
  t.equal(await spool.remove(second), true)
  t.same(await segmentFiles(dataDir), [])
  t.same(await adopted(spool), [])
  await spool.close()
})

t.test('a data folder with a long path', async t => {
  const dataDir = path.join(await dataFolder(t), 'long'.repeat(20), 'longer'.repeat(20))
  const name = newName()
  const spool = await openSpool(dataDir, { name })
  await spool.append(spool.newFile(randomUUID()), someRows(1))
  await copyAsLeftover(dataDir, name)
  const other = await openSpool(dataDir)
  t.equal((await adopted(other)).length, 1, 'that of the dead, and not that of the living')
  await Promise.all([spool.close(), other.close()])
})

t.test('a file that can not be removed is said not to be gone', async t => {
  const dataDir = await dataFolder(t)
  const logs: string[] = []
  const spool = await openSpool(dataDir, { logs })
  const file = spool.newFile(randomUUID())
  await spool.append(file, someRows(1))
  await rm(file.path)
  await mkdir(file.path)
  t.equal(await spool.remove(file), false)
  t.ok(logs.some(line => line.includes('a usage segment could not be removed')))
  const other = spool.newFile(randomUUID())
  await spool.append(other, someRows(1))
  t.equal(await spool.remove(other), true)
  await spool.close()
})

t.test('what can not be read when it is found is found later, and the rest at once', async t => {
  const dataDir = await dataFolder(t)
  const before = await openSpool(dataDir)
  await before.append(before.newFile(randomUUID()), someRows(2))
  const unreadable = before.newFile(randomUUID()).path
  await symlink(path.basename(unreadable), unreadable)
  await before.close()
  const spool = await openSpool(dataDir)
  const found: Leftover[] = []
  await t.rejects(async () => {
    for await (const leftover of spool.adopt()) found.push(leftover)
  }, { code: 'ELOOP' })
  t.match(found, [{ rows: 2 }])
  const [link = ''] = (await readdir(path.join(dataDir, 'spool'), { recursive: true })).filter(name => path.basename(name) === path.basename(unreadable))
  await rm(path.join(dataDir, 'spool', link))
  await writeFile(path.join(dataDir, 'spool', link), await readFile(found[0]!.file.path))
  t.match(await adopted(spool), [{ rows: 2 }], 'once it can be read')
  t.same(await adopted(spool), [])
  await spool.close()
})

t.test('all that is made belongs to whom the data folder belongs to', async t => {
  const dataDir = await dataFolder(t)
  if (process.getuid?.() === 0) await chown(dataDir, 12_345, 54_321)
  const { uid, gid } = await stat(dataDir)
  const spool = await openSpool(dataDir)
  await spool.append(spool.newFile(randomUUID()), someRows(1))
  const made = await readdir(dataDir, { recursive: true })
  t.ok(made.length >= 6, made.join(', '))
  for (const name of made) t.match(await lstat(path.join(dataDir, name)), { uid, gid }, name)
  await spool.close()
})

t.test('a folder that somebody removed is made again, and still has its owner', async t => {
  const dataDir = await dataFolder(t)
  const spool = await openSpool(dataDir)
  await rm(path.join(dataDir, 'spool'), { recursive: true })
  await spool.append(spool.newFile(randomUUID()), someRows(1))
  const other = await openSpool(dataDir)
  t.same(await adopted(other), [])
  await other.close()
  await spool.close()
})

async function overwrite (file: string, position: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.write(bytes, 0, bytes.length, position)
  await handle.close()
}

async function flipBit (file: string, position: number): Promise<void> {
  await overwrite(file, position, Buffer.from([(await readFile(file))[position]! ^ 1]))
}
