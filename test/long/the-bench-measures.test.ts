import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Results } from '../../bench/results.ts'

const root = join(import.meta.dirname, '../..')

async function runScript (t: Test, script: string, args: readonly string[]): Promise<{ code: number, output: string, folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-test-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const child = spawn(process.execPath, ['--import=tsx', join(root, 'bench', script), ...args, '--json', join(folder, 'results.json')], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: folder, TSX_DISABLE_CACHE: '1' } })
  t.teardown(() => { child.kill('SIGTERM') })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [code] = await once(child, 'close')
  return { code, output, folder }
}

t.test('npm run bench measures every scenario that needs no other peers', async t => {
  const { code, output, folder } = await runScript(t, 'run.ts', ['--quick', '--seconds', '1', '--rounds', '1', '--rate', '50', '--peers', 'latchkey,bare', '--scenarios', 'hot,bodies,routes,junk,first-use,restart,usage,usage-cost,usage-volume,usage-copy'])
  t.equal(code, 0)
  t.match(output, /CPU a request \d+\.\d+ × bare @fastify\/http-proxy/)
  const { sections } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as Results
  t.same([...new Set(sections.map(({ scenario }) => scenario))], ['hot', 'bodies', 'routes', 'junk', 'first-use', 'restart', 'usage', 'usage-cost', 'usage-volume', 'usage-copy'])
  const [usage] = sections.filter(({ scenario }) => scenario === 'usage')
  t.equal(usage!.rows[0]!['rows in Postgres'], usage!.rows[0]!['requests'], 'each request gave its row')
  t.same(readdirSync(folder), ['results.json'], 'nothing is left behind')
})

t.test('npm run soak sees no request end as it may not', async t => {
  const { code, output } = await runScript(t, 'soak/run.ts', ['--minutes', '0.2'])
  t.equal(code, 0)
  t.notMatch(output, 'wrong')
})
