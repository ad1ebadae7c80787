import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { isAccessible, openBrowser, openTab, shows, signIn } from './support.ts'

const adminToken = 'the-token-of-who-signs-in-here'

t.test('who saves second sees what the first one changed, and decides', async t => {
  const gateway = await startGateway(t, {
    environment: { adminToken },
    config: `
upstreams:
  items: { targets: [http://127.0.0.1:9] }
routes:
  - { id: read-items, path: /items/*, upstream: items, scopes: [items:read] }
`,
  })
  const { apiKey } = await gateway.createKey({ name: 'Warehouse', scopes: ['items:read'] })
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys/${apiKey.id}`, { expected: /status of 412/ })
  await signIn(page, adminToken)
  await shows(page, 'Warehouse')
  const dialog = page.getByRole('dialog')

  await page.getByRole('button', { name: 'Edit' }).click()
  await dialog.getByLabel('Name').fill('Warehouse, north')
  await change({ name: 'Depot', scopes: ['items:*'] })
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await dialog.getByRole('heading', { name: 'Changed meanwhile' }).waitFor()
  await dialog.getByText('Both changed it').waitFor()
  await isAccessible(t, page, 'a conflict')
  t.match(await stored(), { name: 'Depot' }, 'nothing is overwritten unasked')

  await dialog.getByRole('button', { name: 'Save mine' }).click()
  await shows(page, 'Warehouse, north')
  t.match(await stored(), { name: 'Warehouse, north', scopes: ['items:*'] }, 'only what was edited is')

  await page.getByRole('button', { name: 'Edit' }).click()
  await dialog.getByLabel('Name').fill('Mine')
  await change({ description: 'Theirs' })
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await dialog.getByRole('button', { name: 'Drop mine, go on from theirs' }).click()
  t.equal(await dialog.getByLabel('Name').inputValue(), 'Warehouse, north')
  t.equal(await dialog.getByLabel('Description').inputValue(), 'Theirs')
  await dialog.getByLabel('Description').fill('Ours')
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await dialog.waitFor({ state: 'detached' })
  t.match(await stored(), { name: 'Warehouse, north', description: 'Ours' })

  async function change (changes: object): Promise<void> {
    const response = await fetch(`${gateway.adminUrl}/v1/keys/${apiKey.id}`, { method: 'PATCH', headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }, body: JSON.stringify(changes) })
    t.equal(response.status, 200)
  }

  async function stored (): Promise<unknown> {
    return await (await fetch(`${gateway.adminUrl}/v1/keys/${apiKey.id}`, { headers: { authorization: `Bearer ${adminToken}` } })).json()
  }
})
