import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { openBrowser, openTab, shows, signIn } from './support.ts'

const adminToken = 'the-token-of-who-signs-in-here'

t.test('trying a request takes a name or a prefix that one key has, and says what the key lacks', async t => {
  const gateway = await startGateway(t, {
    environment: { adminToken },
    config: `
upstreams:
  items: { targets: [http://127.0.0.1:9] }
routes:
  - { id: write-items, path: /items/*, upstream: items, scopes: { allOf: [items:read, items:write], anyOf: [staff, owner] } }
`,
  })
  const { apiKey } = await gateway.createKey({ name: 'Warehouse', scopes: ['items:read'] })
  for (const name of ['Warehouse, north', 'Twin', 'Twin']) await gateway.createKey({ name })
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/routes`)
  await signIn(page, adminToken)
  await shows(page, 'Routes')
  const verdict = page.locator('.verdict')
  const explain = page.getByRole('button', { name: 'Explain' })
  await page.getByLabel('Path').fill('/items/1')
  for (const typed of ['Warehouse', apiKey.prefix, `${apiKey.prefix}…`, String(apiKey.id)]) {
    await page.getByLabel('Key', { exact: true }).fill(typed)
    await explain.click()
    await verdict.getByRole('link', { name: 'Warehouse' }).waitFor()
    t.match(await verdict.textContent(), /The key lacksitems:write, and any of staff, owner/, typed)
  }
  for (const [typed, fault] of [['Twin', '2 keys have this name'], ['ware', 'No key has exactly this name']] as const) {
    await page.getByLabel('Key', { exact: true }).fill(typed)
    await explain.click()
    await page.locator('[data-field=keyId] .fault').getByText(fault).waitFor()
    t.equal(await verdict.count(), 0)
  }
})
