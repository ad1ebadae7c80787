import t from 'tap'
import { runCli } from '../support/cli.ts'
import { startGateway } from '../support/gateway.ts'

const config = 'upstreams: { any: { targets: ["http://127.0.0.1:1"] } }\nroutes: [{ id: any, path: /any, upstream: any }]\n'

t.test('ports that a running gateway holds are well', async t => {
  const gateway = await startGateway(t, { config })
  const { stdout } = await runCli(['doctor'], {
    cwd: t.testdir({ 'gateway.yaml': config }),
    env: {
      DATABASE_URL: gateway.database.url,
      LATCHKEY_CONFIG: 'gateway.yaml',
      LATCHKEY_HOST: '127.0.0.1',
      LATCHKEY_PORT: new URL(gateway.url).port,
      LATCHKEY_ADMIN_PORT: new URL(gateway.adminUrl).port,
    },
  })
  t.match(stdout, /ok {4}Gateway port: 127\.0\.0\.1:\d+ is served by a running Latchkey/)
  t.match(stdout, /ok {4}Admin port: 127\.0\.0\.1:\d+ is served by a running Latchkey/)
})
