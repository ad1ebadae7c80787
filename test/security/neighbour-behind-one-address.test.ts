import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

t.test('who wastes the failures of a shared address locks nobody behind it out', async t => {
  const upstream = await startUpstream(t)
  const { gateway, url, key } = await startFront(t, upstream.url, { sections: 'gateway: { failureBudget: { failures: 5, per: 1h } }\n' })
  const use = (asked: string) => send(url, { headers: { 'x-api-key': asked } })
  t.equal((await use(key)).status, 200)
  await until(async () => (await use(generateKey({ brand: 'sk', environment: 'live' }))).code === 'too_many_failures', 'the budget is spent')
  for (let i = 0; i < 20; i++) {
    const { status, code, headers } = await use(i % 2 === 0 ? 'sk_live_junk' : generateKey({ brand: 'sk', environment: 'live' }))
    t.match({ status, code }, { status: 429, code: 'too_many_failures' })
    t.match(headers['retry-after'], /^\d+$/)
    t.equal((await use(key)).status, 200, 'a neighbour\'s key that is known goes on')
  }
  const { key: fresh } = await gateway.createKey({ scopes: ['all:use'] })
  await until(async () => (await use(fresh)).status === 200, 'and so does one that was never seen before')
})
