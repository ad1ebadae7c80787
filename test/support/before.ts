import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import pino from 'pino'
import { prepareBinaries } from '../../src/database/embedded/binaries.ts'
import { ensureCluster, superuser } from '../../src/database/embedded/cluster.ts'
import { freePort, PostgresProcess } from '../../src/database/embedded/postgres-process.ts'
import { serverUser } from '../../src/database/embedded/server-user.ts'
import { migrateUp } from '../../src/database/migrate.ts'
import { runFile, runFolder, templates, type TestRun } from './run.ts'

// Runs once, before all test processes: a real PostgreSQL for this run, with a migrated template to clone from.

const folder = runFolder()
const data = path.join(folder, 'data')
const user = serverUser()
const password = randomBytes(18).toString('hex')

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { mode: 0o711 })
await chmod(folder, 0o711)
const native = process.env.LATCHKEY_TEST_POSTGRES
const binaries = native === undefined
  ? await prepareBinaries({ user, copyFolder: path.join(folder, 'binaries') })
  // Another major version, by npm run test:majors.
  : { initdb: path.join(native, 'bin/initdb'), postgres: path.join(native, 'bin/postgres'), majorVersion: process.env.LATCHKEY_TEST_POSTGRES_MAJOR ?? '' }
await ensureCluster({ binaries, folder: data, password, user, isDurable: false })

const port = await freePort()
const server = new PostgresProcess({
  binaries,
  folder: data,
  logFile: path.join(folder, 'postgres.log'),
  user,
  port,
  settings: {
    max_connections: '300',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    autovacuum: 'off',
    max_wal_size: '4GB',
  },
})

// Outlives the runner by a second at most, also when that is killed. It runs as ourselves, to be allowed to ask
// whether the runner is alive; the test on postmaster.pid keeps it from signalling a stranger with a reused id.
const watchdog = spawn('/bin/sh', ['-c', `
  while kill -0 "$1" 2>/dev/null; do sleep 1; done
  { read -r pid < "$3/data/postmaster.pid" && [ "$pid" = "$2" ] && kill -QUIT "$2"; } 2>/dev/null
  sleep 1
  rm -rf -- "$3"
`, 'sh', String(process.ppid), String(server.pid), folder], { detached: true, stdio: 'ignore', cwd: '/' })
watchdog.unref()

await server.waitUntilReady(data)
const adminUrl = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
const admin = new pg.Client(adminUrl)
await admin.connect()
await admin.query(`create database ${templates.migrated} template template0`)
await admin.end()
const template = new URL(adminUrl)
template.pathname = `/${templates.migrated}`
await migrateUp({ connectionString: template.href, logger: pino({ level: 'silent' }) })

const run: TestRun = { adminUrl, serverPid: server.pid, watchdogPid: watchdog.pid ?? 0 }
await writeFile(`${runFile()}.new`, JSON.stringify(run), { mode: 0o600 })
await rename(`${runFile()}.new`, runFile())
