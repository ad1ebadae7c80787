import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { send } from '../support/http.ts'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('with a Postgres that is frozen and usage that waits, SIGTERM ends the process soon after the flush\'s fifteen seconds', async t => {
  const postgres = await startOwnPostgres(t)
  const upstream = await startUpstream(t)
  const gateways = await prepareGatewayProcesses(t, frontConfig(upstream.url), postgres)
  const { cli, url } = await gateways.start(t)
  t.equal((await send(`${url}/x`, { headers: gateways.headers })).status, 200)
  await postgres.freeze()
  for (let i = 0; i < 20; i++) t.equal((await send(`${url}/x`, { headers: gateways.headers })).status, 200)
  const startedAtMs = performance.now()
  cli.child.kill('SIGTERM')
  t.same(await cli.ended(), { code: 0, signal: null })
  const tookMs = Math.round(performance.now() - startedAtMs)
  t.comment(`ended after ${tookMs} ms`)
  t.ok(tookMs < 25_000)
  t.match(cli.stdout, /usage rows lost/)
})
