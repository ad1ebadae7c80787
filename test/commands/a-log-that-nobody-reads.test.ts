import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { send } from '../support/http.ts'
import { RunningCli } from '../support/process.ts'
import { until } from '../support/until.ts'

// No database is needed: whoever waits for it writes a log as well.
const config = `
upstreams: { u: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: r, path: /a, upstream: u }]
`
/** Paths are logged as they are. */
const longPath = `/${'x'.repeat(14_000)}`

t.test('a log that nobody reads holds up neither requests nor the end', async t => {
  const { cli, url } = await start(t)
  cli.child.stdout!.pause()
  await requests(url, 200)
  cli.child.kill('SIGTERM')
  await until(() => cli.hasEnded, 'the gateway ends', { timeoutMs: 60_000 })
  t.equal(cli.child.exitCode, 0)
})

t.test('what waits is bounded, and what was dropped is counted once somebody reads again', async t => {
  const { cli, url } = await start(t)
  cli.child.stdout!.pause()
  await requests(url, 1_500)
  cli.child.stdout!.resume()
  await cli.prints('nobody read them in time"}')
  const { lines } = cli.logLine('log lines dropped: nobody read them in time')
  t.ok(Number(lines) > 0 && Number(lines) < 1_500, `${String(lines)} lines dropped`)
  cli.child.kill('SIGTERM')
  t.equal((await cli.ended()).code, 0)
  t.match(cli.stdout, '"msg":"closed"', 'the last lines arrive')
})

t.test('a log whose reader has gone is no reason to end', async t => {
  const { cli, url } = await start(t)
  cli.child.stdout!.destroy()
  await requests(url, 3)
  t.notOk(cli.hasEnded)
  cli.child.kill('SIGTERM')
  await until(() => cli.hasEnded, 'the gateway ends', { timeoutMs: 60_000 })
  t.equal(cli.child.exitCode, 0)
})

async function start (t: Test): Promise<{ cli: RunningCli, url: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, config)
  const cli = new RunningCli(t, ['start', '--config', file], {
    cwd: folder,
    env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none', LATCHKEY_HOST: '127.0.0.1', LATCHKEY_PORT: '0', LATCHKEY_ADMIN_PORT: '0' },
  })
  await cli.prints('"listening"')
  return { cli, url: String(cli.logLine('listening').gatewayUrl) }
}

async function requests (url: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await send(url + longPath)
}
