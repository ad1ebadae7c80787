import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'
import { isAccessible, openBrowser, openTab, shows, signIn } from './support.ts'

const adminToken = 'the-token-of-who-signs-in-here'
const headers = { authorization: `Bearer ${adminToken}` }

t.test('whoever ends a grace is told who used the secret up to then, not up to when the view last asked', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    environment: { adminToken },
    config: `
upstreams:
  items: { targets: [${upstream.url}] }
routes:
  - { id: read-items, path: /items/*, upstream: items }
`,
  })
  const { key, apiKey } = await gateway.createKey({ name: 'Warehouse' })
  const address = `${gateway.adminUrl}/v1/keys/${apiKey.id}`
  t.equal((await fetch(`${address}/rotate`, { method: 'POST', headers })).status, 200)
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys/${apiKey.id}`)
  await signIn(page, adminToken)
  await shows(page, 'Warehouse')
  const panel = page.getByRole('region', { name: 'The old secret still works' })
  const dialog = page.getByRole('dialog')
  await panel.getByText('Too early to tell').waitFor()

  // From here on the view's own reading of the key waits.
  const held: (() => void)[] = []
  await page.route(address, async route => {
    await new Promise<void>(resolve => held.push(resolve))
    await route.continue().catch(() => {})
  })
  await until(async () => (await send(`${gateway.url}/items/1`, { headers: { 'x-api-key': key, 'user-agent': 'warehouse/2.1' } })).status === 200, 'the old secret works')
  await until(async () => {
    const { earlierSecrets: [secret] } = await (await fetch(address, { headers })).json() as { earlierSecrets: { lastUsedAt: string | null }[] }
    return secret?.lastUsedAt != null
  }, 'its use is written')
  await panel.getByRole('button', { name: 'End grace now' }).click()
  await dialog.getByText('Looking who uses it').waitFor()
  t.ok(await dialog.getByRole('button', { name: 'End grace now' }).isDisabled(), 'nothing can be decided yet')
  t.equal(await panel.getByText('Too early to tell').count(), 1)
  await isAccessible(t, page, 'looking who uses it')

  await page.unroute(address)
  for (const release of held) release()
  await dialog.getByText('Still in use').waitFor()
  await dialog.getByText('warehouse/2.1 used it').waitFor()
  t.notOk(await dialog.getByRole('button', { name: 'End grace now' }).isDisabled())
  await panel.getByText('Still in use').waitFor()
})
