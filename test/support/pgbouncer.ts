import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../../src/database/embedded/postgres-process.ts'
import { identity, serverUser } from '../../src/database/embedded/server-user.ts'
import { isAnswering } from './is-answering.ts'
import { until } from './until.ts'

/** Where Debian puts it isn't on everybody's PATH. */
const searchPath = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`

/**
 * A real PgBouncer in transaction mode in front of the server of `url`, ended with the test. Its few server
 * connections go from client to client. Returns the URL through it. Throws where PgBouncer isn't installed.
 */
export async function startPgbouncer (t: Pick<Test, 'teardown'>, url: string): Promise<string> {
  if (spawnSync('pgbouncer', ['--version'], { env: { PATH: searchPath } }).error !== undefined) {
    throw new Error('This test needs PgBouncer: install the package pgbouncer of your system (apt-get install pgbouncer, brew install pgbouncer).')
  }
  const { hostname, port, username, password, pathname } = new URL(url)
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-pgbouncer-'))
  const listenPort = await freePort()
  const configFile = path.join(folder, 'pgbouncer.ini')
  await writeFile(configFile, `
[databases]
* = host=${hostname} port=${port} user=${username} password=${password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
server_login_retry = 1
`, { mode: 0o600 })
  const user = serverUser()
  if (user !== null) for (const file of [folder, configFile]) await chown(file, user.uid, user.gid)

  // As root it refuses to run.
  const bouncer = spawn('pgbouncer', ['--quiet', configFile], { cwd: '/', env: { PATH: searchPath }, stdio: ['ignore', 'ignore', 'pipe'], ...identity(user) })
  const exited = once(bouncer, 'exit')
  let log = ''
  bouncer.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
  t.teardown(async () => {
    bouncer.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  })
  const pooled = new URL(url)
  pooled.host = `127.0.0.1:${listenPort}`
  pooled.pathname = pathname
  await until(async () => {
    if (bouncer.exitCode !== null) throw new Error(`PgBouncer ended:\n${log}`)
    return await isAnswering(pooled.href)
  }, 'PgBouncer answers')
  return pooled.href
}
