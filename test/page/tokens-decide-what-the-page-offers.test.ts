import t from 'tap'
import { TokenManager } from '../../src/tokens/manager.ts'
import { startGateway } from '../support/gateway.ts'
import { openBrowser, openTab, shows, signIn } from './support.ts'

const config = `
upstreams:
  items: { targets: [http://127.0.0.1:9] }
routes:
  - { id: read-items, path: /items/*, upstream: items, scopes: [items:read] }
`

t.test('a token that may only read sees everything and is offered no change', async t => {
  const gateway = await startGateway(t, { config })
  const { apiKey } = await gateway.createKey({ name: 'Warehouse', scopes: ['items:read'] })
  const { token } = await new TokenManager({ pool: gateway.database.pool }).create({ name: 'onlooker', rights: 'read' })
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys/${apiKey.id}`)
  await signIn(page, token)
  await shows(page, 'Warehouse')
  await page.getByText('This token may only read').waitFor()
  for (const name of ['Edit', 'Rotate', 'Disable', 'Revoke', 'Delete']) t.equal(await page.getByRole('button', { name }).count(), 0, name)
  await page.getByRole('link', { name: 'Keys', exact: true }).first().click()
  await shows(page, 'Keys')
  t.equal(await page.getByRole('link', { name: 'Create' }).count(), 0)
  await page.evaluate("location.hash = '/keys/new'")
  await page.getByText('needs a token with the right to write').waitFor()
  t.equal(await page.locator('main input').count(), 0)
})

t.test('a token that is revoked leads back to the sign-in, and from there to where one was', async t => {
  const gateway = await startGateway(t, { config })
  await gateway.createKey({ name: 'Warehouse' })
  const tokens = new TokenManager({ pool: gateway.database.pool })
  const [first, second] = [await tokens.create({ name: 'first', rights: 'write' }), await tokens.create({ name: 'second', rights: 'write' })]
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys?search=ware`, { expected: /status of 401/ })
  await signIn(page, first.token)
  await page.getByRole('link', { name: 'Warehouse' }).waitFor()
  await tokens.revoke('first')
  await page.getByLabel('Status').selectOption('active')
  await page.getByText('The token is no longer accepted').waitFor()
  t.equal(await page.evaluate('sessionStorage.length'), 0)
  t.match(page.url(), /#\/keys\?search=ware&status=active$/)
  await signIn(page, second.token)
  await page.getByRole('link', { name: 'Warehouse' }).waitFor()
  t.equal(await page.getByLabel('Status').inputValue(), 'active')
})

t.test('where the admin API is switched off, the page says how to switch it on', async t => {
  const gateway = await startGateway(t, { config })
  const page = await openTab(t, await openBrowser(t), gateway.adminUrl, { expected: /status of 403/ })
  await signIn(page, 'anything-of-some-length-or-other')
  await page.getByText('The admin API is switched off').waitFor()
})
