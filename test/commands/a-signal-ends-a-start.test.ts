import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { RunningCli } from '../support/process.ts'
import { openElsewhere, temporaryDataDir } from '../database/embedded-fixture.ts'

const config = 'upstreams: { u: { targets: ["http://127.0.0.1:9"] } }\nroutes: [{ id: r, path: /a, upstream: u }]\n'
const ports = { LATCHKEY_HOST: '127.0.0.1', LATCHKEY_PORT: '0', LATCHKEY_ADMIN_PORT: '0' }

t.test('while the database is waited for', async t => {
  const sockets: Socket[] = []
  const silent = createServer(socket => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const cli = new RunningCli(t, ['start', '--config', 'gateway.yaml'], {
    cwd: t.testdir({ 'gateway.yaml': config }),
    env: { ...ports, DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none` },
  })
  await once(silent, 'connection')
  cli.child.kill('SIGHUP')
  cli.child.kill('SIGTERM')
  await cli.prints('shutting down')
  for (const socket of sockets) socket.destroy()
  t.same(await cli.ended(), { code: 0, signal: null }, cli.stderr)
  t.notMatch(cli.stdout, 'istening', 'no listener was opened any more')
  t.match(cli.stdout, '"closed"')
})

t.test('while another process holds the data folder', async t => {
  const dataDir = await temporaryDataDir(t)
  await openElsewhere(t, dataDir, 'command')
  const cli = new RunningCli(t, ['start', '--config', 'gateway.yaml'], {
    cwd: t.testdir({ 'gateway.yaml': config }),
    env: { ...ports, LATCHKEY_DATA_DIR: dataDir },
  })
  await cli.prints('Waiting for a latchkey command to end')
  cli.child.kill('SIGTERM')
  t.same(await cli.ended(), { code: 0, signal: null }, cli.stderr)
})
