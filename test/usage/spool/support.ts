import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { Backlog } from '../../../src/usage/backlog.ts'
import { checksummed } from '../../../src/usage/spool/segment-format.ts'
import { Spool } from '../../../src/usage/spool/spool.ts'
import { rowOf } from '../support.ts'

export const installationId = '11111111-1111-4111-8111-111111111111'

export async function dataFolder (t: Pick<Test, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-spool-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function newName (): string {
  return randomBytes(8).toString('hex')
}

export async function openSpool (dataDir: string, { installation = installationId, name = newName(), logs = [] as string[] } = {}): Promise<Spool> {
  const logger = pino({ level: 'trace' }, { write: line => { logs.push(line) } })
  return await Spool.open({ dataDir, installationId: installation, name, logger })
}

/** So many rows as they go to the disk. */
export function someRows (count: number, keyId = 1): Buffer {
  const backlog = new Backlog(count + 1)
  for (let i = 0; i < count; i++) backlog.add(rowOf(keyId, { requestId: `row-${i}` }))
  backlog.seal()
  return checksummed(backlog.take()!.bytes!)
}

/** Every segment file below the data folder, with its path there. */
export async function segmentFiles (dataDir: string): Promise<string[]> {
  const entries = await readdir(dataDir, { recursive: true }).catch(() => [])
  return entries.filter(name => name.endsWith('.rows')).sort()
}

/**
 * What a process that is killed now would leave: its folder as it is, in the name of one that has no owner. Returns
 * that name.
 */
export async function copyAsLeftover (dataDir: string, name: string, installation = installationId): Promise<string> {
  const dead = newName()
  const parent = path.join(dataDir, 'spool', installation)
  await mkdir(parent, { recursive: true })
  await cp(path.join(parent, name), path.join(parent, dead), { recursive: true })
  return dead
}
