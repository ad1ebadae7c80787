import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'
import { isAccessible, openBrowser, openTab, shows, signIn, sizes } from './support.ts'

const adminToken = 'the-token-of-who-signs-in-here'

t.test('every view, in light and dark, on a desktop and a phone', async t => {
  const upstream = await startUpstream(t, (request, response) => response.writeHead(request.url === '/items/lost' ? 404 : 200).end())
  const gateway = await startGateway(t, {
    environment: { adminToken },
    config: `
upstreams:
  items: { targets: [${upstream.url}] }
routes:
  - { id: read-items, path: /items/*, methods: [GET], upstream: items, scopes: [items:read] }
  - { id: write-items, path: /items/*, methods: [POST], upstream: items, scopes: { allOf: [items:write], anyOf: [staff, owner] } }
  - { id: watched, path: /watched, host: api.example.com, upstream: items, auth: report, scopes: [items:read] }
  - { id: open, path: /open, upstream: items, auth: none }
`,
  })
  const { key, apiKey } = await gateway.createKey({ name: 'Warehouse', scopes: ['items:*', 'of-no-route'] })
  await gateway.createKey({ name: 'Storefront', scopes: ['*'], expiresAt: new Date(Date.now() + 86_400_000) })
  for (const path of ['/items/1', '/items/lost', '/items/2']) await send(gateway.url + path, { headers: { 'x-api-key': key } })
  await send(`${gateway.url}/items/1`, { headers: { 'x-api-key': key }, method: 'POST' })
  await send(`${gateway.url}/items/1`)
  const rotated = await fetch(`${gateway.adminUrl}/v1/keys/${apiKey.id}/rotate`, { method: 'POST', headers: { authorization: `Bearer ${adminToken}` } })
  t.equal(rotated.status, 200)
  await until(async () => (await gateway.database.pool.query('select from api_key_usage')).rowCount === 4, 'the usage is written')

  const browser = await openBrowser(t)
  for (const size of Object.keys(sizes) as (keyof typeof sizes)[]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const how = `${size}, ${colorScheme}`
      const page = await openTab(t, browser, gateway.adminUrl, { size, colorScheme, expected: /status of 404/ })
      await isAccessible(t, page, `sign-in, ${how}`)
      await signIn(page, adminToken)
      for (const [address, title] of [['/', 'Overview'], ['/?period=30d', 'Overview'], ['/keys', 'Keys'], ['/keys?search=nothing', 'Keys'], ['/keys/new', 'Create key'], [`/keys/${apiKey.id}`, 'Warehouse'], ['/keys/0', 'Key 0'], ['/routes', 'Routes'], ['/audit', 'Audit log'], ['/elsewhere', 'Nothing here']] as const) {
        await page.evaluate(`location.hash = '${address}'`)
        await shows(page, title)
        await isAccessible(t, page, `${address}, ${how}`)
        t.match(await page.title(), title)
      }
      await page.context().close()
    }
  }
})
