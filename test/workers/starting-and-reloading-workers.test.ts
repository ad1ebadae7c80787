import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { kill } from 'node:process'
import t from 'tap'
import { workerCount } from '../../src/workers/count.ts'
import { send } from '../support/http.ts'
import { RunningCli } from '../support/process.ts'
import { scrape } from '../support/scrape.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'
import { childrenOf, prepareWorkers, sumOf, untilWorkers } from './workers.ts'

const upstream = await startUpstream(t)
const gateways = await prepareWorkers(t, upstream.url)

t.test('a taken port is one message', async t => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => blocker.once('listening', resolve))
  t.teardown(() => blocker.close())
  const { message } = await gateways.start(t, { LATCHKEY_PORT: String((blocker.address() as AddressInfo).port) }).then(() => new Error('it started'), (err: Error) => err)
  t.equal(message.split('another process listens there').length, 2, message)
})

t.test('a reload reaches every worker, and a faulty file none', async t => {
  const gateway = await gateways.start(t)
  const file = gateway.cli.child.spawnargs.at(-1)!
  const before = readFileSync(file, 'utf8')
  const swap = (text: string) => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
    gateway.cli.child.kill('SIGHUP')
  }
  const statuses = async () => await Promise.all(Array.from({ length: 4 }, async () => (await send(`${gateway.url}/`, { headers: { connection: 'close' } })).status))
  t.same(await statuses(), [401, 401, 401, 401])
  swap(before.replace("path: '/*'", "path: '/elsewhere/*'"))
  await until(async () => (await statuses()).every(status => status === 404), 'all workers have the new routes')
  await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_config_last_reload_success') === 1, 'and it is told')
  swap('routes: 7')
  await until(async () => (await scrape(gateway.adminUrl)).get('latchkey_config_last_reload_success') === 0, 'the fault is told')
  t.same(await statuses(), [404, 404, 404, 404], 'the old routes stay')
  swap(before)
  await until(async () => (await statuses()).every(status => status === 401), 'and back')
  t.equal((await send(`${gateway.url}/-/ready`)).status, 200)
  t.equal(childrenOf(gateway, 'worker-process').length, 2)
})

t.test('what takes effect at the next start only does so in no worker, one that replaces another included', async t => {
  const gateway = await gateways.start(t)
  const file = gateway.cli.child.spawnargs.at(-1)!
  const before = readFileSync(file, 'utf8')
  t.teardown(() => writeFileSync(file, before))
  writeFileSync(file, before.replace("path: '/*'", "path: '/elsewhere/*'").replace('bcryptCost: 4', 'bcryptCost: 4, header: x-other'))
  gateway.cli.child.kill('SIGHUP')
  await gateway.cli.prints('take effect at the next start')
  const [victim] = childrenOf(gateway, 'worker-process')
  kill(victim!, 'SIGKILL')
  await gateway.cli.prints('a worker ended and is replaced')
  await untilWorkers(gateway, 2)
  const ask = async () => (await send(`${gateway.url}/elsewhere/1`, { headers: { ...gateways.headers, connection: 'close' } })).status
  const servedBy = async () => sumOf(await scrape(gateway.adminUrl), 'latchkey_key_cache_entries')
  await until(async () => {
    t.same(new Set(await Promise.all([ask(), ask(), ask(), ask()])), new Set([200]))
    return await servedBy() === 2
  }, 'both have served')
})

t.test('auto is a process for each core that may be used', async t => {
  const quotas = (files: Record<string, string>) => (file: string) => files[file] ?? null
  t.equal(workerCount(3), 3)
  t.equal(workerCount('auto', () => null), Math.min(availableParallelism(), 64))
  t.equal(workerCount('auto', quotas({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' })), Math.min(availableParallelism(), 64))
  t.equal(workerCount('auto', quotas({ '/sys/fs/cgroup/cpu.max': '50000 100000\n' })), 1)
  t.equal(workerCount('auto', quotas({ '/proc/self/cgroup': '0::/a.slice/b.service\n', '/sys/fs/cgroup/a.slice/cpu.max': '150000 100000\n' })), 1)
  t.equal(workerCount('auto', quotas({ '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' })), 1)
})

t.test('a faulty configuration is one message', async t => {
  const cli = new RunningCli(t, ['start', '--config', 'none.yaml'], { cwd: '/' })
  t.equal((await cli.ended()).code, 2)
  t.equal(cli.stderr.split('no such file').length, 2)
})
