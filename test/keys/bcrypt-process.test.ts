import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import bcrypt from 'bcrypt'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { BcryptPool } from '../../src/keys/bcrypt.ts'
import { until } from '../support/until.ts'

const open = (t: Test) => {
  const pool = new BcryptPool({ queueMax: 100, logger: pino({ level: 'silent' }) })
  t.teardown(() => pool.close())
  return pool
}

const owner = (argument: string) => spawn(process.execPath,
  ['--import=tsx', join(import.meta.dirname, 'fixtures', 'bcrypt-owner.ts'), argument], { stdio: ['ignore', 'pipe', 'inherit'] })

/** A process that ended but that nobody waited for counts as ended. */
async function isRunning (pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) [ZX] /.test(stat)
}

t.test('calls in flight survive the death of the process', async (t) => {
  const pool = open(t)
  const hash = await bcrypt.hash('right', 10)
  const calls = [pool.compare('right', hash), pool.compare('wrong', hash), pool.hash('new', 4)]
  const first = pool.pid ?? 0
  process.kill(first, 'SIGKILL')
  const [right, wrong, made] = await Promise.all(calls)
  t.same([right, wrong], [true, false])
  t.match(made, /^\$2b\$04\$/)
  t.not(pool.pid, first)
})

t.test('a call whose process dies twice is rejected, and later ones work', async (t) => {
  const pool = open(t)
  const hash = await bcrypt.hash('right', 12)
  const call = pool.compare('right', hash)
  call.catch(() => {})
  const first = pool.pid ?? 0
  process.kill(first, 'SIGKILL')
  await until(() => pool.pid !== null && pool.pid !== first, 'it was started again')
  process.kill(pool.pid ?? 0, 'SIGKILL')
  await t.rejects(call, { message: /died twice/ })
  t.match(await pool.hash('new', 4), /^\$2b\$04\$/)
})

t.test('closing rejects what waits', async (t) => {
  const pool = open(t)
  const hash = await bcrypt.hash('right', 12)
  const calls = Promise.allSettled([pool.compare('a', hash), pool.compare('b', hash)])
  const pid = pool.pid ?? 0
  await pool.close()
  t.same((await calls).map((result) => result.status), ['rejected', 'rejected'])
  t.equal(await isRunning(pid), false)
  await t.rejects(pool.compare('a', hash))
})

t.test('an idle bcrypt process keeps nobody alive', async (t) => {
  const child = owner('leave')
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
})

t.test('it ends with its owner, also when that is killed', async (t) => {
  const child = owner('stay')
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const pid = Number(line)
  t.equal(await isRunning(pid), true)
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  await until(async () => !await isRunning(pid), 'the bcrypt process has ended')
})

t.test('it outlives a Ctrl-C that reaches the whole process group, as its owner still drains', async (t) => {
  const pool = open(t)
  await pool.hash('x', 4)
  const pid = pool.pid ?? 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal)
  t.match(await pool.hash('y', 4), /^\$2b\$04\$/)
  t.equal(pool.pid, pid)
})
