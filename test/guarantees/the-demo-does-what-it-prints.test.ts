import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { send } from '../support/http.ts'
import { RunningCli } from '../support/process.ts'
import { until } from '../support/until.ts'

interface Ready {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly adminToken: string
  readonly apiKey: string
  readonly databaseUrl: string
  readonly upstreamUrl: string
}

const env = { LATCHKEY_PORT: '0', LATCHKEY_ADMIN_PORT: '0' }

/** A working folder of its own, in which the demo's data folder is made. */
function freshFolder (): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-'))
  // As root, the user as whom Postgres runs must be able to enter it; it would be put outside of the folder otherwise.
  chmodSync(folder, 0o711)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

t.test('demo --json prints one line, and what it names works; SIGTERM leaves nothing behind', async t => {
  const cwd = freshFolder()
  const demo = new RunningCli(t, ['demo', '--json'], { cwd, env })
  await demo.prints('\n')
  const ready = JSON.parse(demo.stdout) as Ready
  t.same(Object.keys(ready).sort(), ['adminToken', 'adminUrl', 'apiKey', 'databaseUrl', 'gatewayUrl', 'upstreamUrl'])
  const headers = { 'x-api-key': ready.apiKey }

  t.match(await send(`${ready.gatewayUrl}/inventory/items`, { headers }), { status: 200, text: '"service": "sample"' })
  t.notOk((await send(`${ready.gatewayUrl}/inventory/items`, { headers })).text.includes(ready.apiKey), 'the upstream saw no key')
  t.match(await send(`${ready.gatewayUrl}/inventory/items`, { method: 'POST', headers }), { status: 403, code: 'insufficient_scope' })
  t.match(await send(`${ready.gatewayUrl}/tickets/1`, { method: 'DELETE', headers }), { status: 200 }, 'it holds tickets:*')
  t.match(await send(`${ready.gatewayUrl}/inventory/items`), { status: 401, code: 'missing_key' })
  t.match(await send(`${ready.gatewayUrl}/status`), { status: 200 })
  t.match(await send(`${ready.adminUrl}/readyz`), { status: 200 })
  t.match(await send(ready.upstreamUrl), { status: 200 })
  t.ok(await isListening(ready.databaseUrl), 'the database listens')
  t.ok(ready.adminToken.length >= 24)

  const postgres = postmasterOf(cwd)
  demo.child.kill('SIGTERM')
  t.same(await demo.ended(), { code: 0, signal: null })
  for (const [what, url] of Object.entries({ gateway: ready.gatewayUrl, admin: ready.adminUrl, upstream: ready.upstreamUrl, database: ready.databaseUrl })) {
    t.notOk(await isListening(url), `nobody listens for the ${what}`)
  }
  t.notOk(isAlive(postgres), 'its Postgres has ended')
  t.equal(demo.stdout.trim().split('\n').length, 1, 'one line is all that it printed')
})

t.test('each curl line that demo prints answers as announced; kill -9 leaves no Postgres behind', async t => {
  const cwd = freshFolder()
  const demo = new RunningCli(t, ['demo'], { cwd, env })
  await demo.prints('Ctrl-C')
  const lines = demo.stdout.split('\n').map(line => line.trim())
  const announced = lines.flatMap((line, index) => {
    const [, status] = /^# (\d{3}): /.exec(line) ?? []
    return status === undefined ? [] : [{ status, command: lines[index + 1] ?? '' }]
  })
  t.same(announced.map(({ status }) => status), ['200', '403', '401', '200'])
  for (const { status, command } of announced) {
    t.match(command, /^curl /)
    const output = await run(command, cwd)
    t.ok(output.startsWith(`HTTP/1.1 ${status} `), `${status} as announced`, { command, output })
  }
  const key = /sk_live_\w{38}/.exec(demo.stdout)?.[0] ?? ''
  t.not(key, '', 'it prints a key')
  t.notOk(demo.stderr.includes(key), 'and never logs it')

  const postgres = postmasterOf(cwd)
  t.ok(isAlive(postgres))
  demo.child.kill('SIGKILL')
  await demo.ended()
  await until(() => !isAlive(postgres), 'its Postgres ends with it')
})

function postmasterOf (cwd: string): number {
  const found = Number(readFileSync(join(cwd, '.latchkey/postgres/postmaster.pid'), 'utf8').split('\n', 1)[0])
  if (!Number.isInteger(found) || found <= 1) throw new Error('no process id of Postgres')
  return found
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function isListening (url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return await new Promise(resolve => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => resolve(false))
  })
}

/** Runs a printed line as a user would; where there is no curl, what it says is done without. */
async function run (command: string, cwd: string): Promise<string> {
  const { code, stdout } = await new Promise<{ code: unknown, stdout: string }>(resolve => {
    execFile('/bin/sh', ['-c', command], { cwd }, (err, stdout) => resolve({ code: err?.code ?? 0, stdout }))
  })
  return code === commandNotFound ? await withoutCurl(command) : stdout
}

const commandNotFound = 127

async function withoutCurl (command: string): Promise<string> {
  const [, method = 'GET'] = / -X (\w+)/.exec(command) ?? []
  const [, header, value] = / -H '([^:]+): ([^']+)'/.exec(command) ?? []
  const { status } = await send(command.split(' ').at(-1)!, { method, headers: header === undefined || value === undefined ? {} : { [header]: value } })
  return `HTTP/1.1 ${status} `
}
