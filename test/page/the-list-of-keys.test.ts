import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'
import { openBrowser, openTab, shows, signIn } from './support.ts'

const adminToken = 'the-token-of-who-signs-in-here'
const config = `
upstreams:
  items: { targets: [http://127.0.0.1:9] }
routes:
  - { id: read-items, path: /items/*, upstream: items, scopes: [items:read] }
`

t.test('is searched and filtered as the address says, a page at a time', async t => {
  const gateway = await startGateway(t, {
    environment: { adminToken },
    config,
  })
  const { apiKey } = await gateway.createKey({ name: 'Needle', scopes: ['items:read'], user: 'grace@example.com' })
  await gateway.database.pool.query(`
    insert into api_keys (user_id, key_hash, key_prefix, name, scopes, is_active)
    select user_id, 'h' || n, 'sk_live_' || lpad(n::text, 4, '0'), 'Straw ' || n, '{}', n % 10 <> 0 from api_keys, generate_series(1, 100000) as n where id = $1`, [apiKey.id])
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys`)
  await signIn(page, adminToken)
  await shows(page, 'Keys')
  const rows = page.locator('tbody tr')
  await until(async () => await rows.count() === 50, 'the first page is shown')
  await page.getByRole('button', { name: 'Load more' }).click()
  await until(async () => await rows.count() === 100, 'the second page is shown behind it')

  await page.getByRole('searchbox').pressSequentially('needle')
  await until(async () => await rows.count() === 1, 'one is found')
  t.match(page.url(), /#\/keys\?search=needle$/)
  t.match(await rows.first().textContent(), 'Needle')
  await page.getByRole('button', { name: 'Clear' }).click()
  await page.getByLabel('Scope').selectOption('items:read')
  await until(async () => await rows.count() === 1, 'one holds the scope')
  await page.getByLabel('Scope').selectOption('')
  await page.getByLabel('Status').selectOption('disabled')
  await until(async () => await rows.count() === 50 && await page.locator('tbody .badge-active').count() === 0, 'only disabled ones are shown')
  await page.getByLabel('User:').fill('grace@example')
  await page.getByLabel('User:').fill('grace@example.com')
  await until(() => /user=grace/.test(page.url()), 'the address has the user')

  // The same again for whoever is sent the address.
  await page.reload()
  await until(async () => await rows.count() === 50, 'the list is shown again')
  t.equal(await page.getByLabel('Status').inputValue(), 'disabled')
  t.equal(await page.getByLabel('User:').inputValue(), 'grace@example.com')

  // A click anywhere on a row opens it; the name is the link for who has no pointer.
  await rows.first().locator('.cell-used').click()
  await shows(page, 'Straw 100000')
})

t.test('fits every width, however long what is in it', async t => {
  const gateway = await startGateway(t, { environment: { adminToken }, config })
  const scopes = ['inventory:read', 'purchase-orders.europe:approve', 'tickets:read']
  const user = 'warehouse.synchronisation.northern-region@logistics.example-company.com'
  await gateway.createKey({ name: 'Warehouse synchronisation service, northern region, production', scopes, user })
  await gateway.createKey({ name: 'CI', scopes: scopes.slice(0, 2), user })
  const { apiKey } = await gateway.createKey({ name: 'a-name-of-one-word-that-is-longer-than-any-column-has-room-for', scopes, user })
  const old = await gateway.createKey({ name: 'Storefront', user })
  for (const [id, actions] of [[apiKey.id, ['rotate']], [old.apiKey.id, ['rotate', 'revoke']]] as const) {
    for (const action of actions) {
      const response = await fetch(`${gateway.adminUrl}/v1/keys/${id}/${action}`, { method: 'POST', headers: { authorization: `Bearer ${adminToken}` } })
      t.equal(response.status, 200)
    }
  }
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys`)
  await signIn(page, adminToken)
  await shows(page, 'Keys')
  for (const width of [390, 768, 1024, 1100, 1200, 1280, 1440, 1600]) {
    await page.setViewportSize({ width, height: 800 })
    t.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), `nothing scrolls sideways at ${width}`)
    t.same(await page.evaluate("[...document.querySelectorAll('.chip, .tag, .badge')].filter(({ offsetHeight }) => offsetHeight > 26).map(({ textContent }) => textContent)"), [], `nothing breaks within a word at ${width}`)
    t.same(await page.evaluate("[...document.querySelectorAll('.table :is(th, td)')].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1).map(({ className }) => className)"), [], `nothing leaves its cell at ${width}`)
  }
  t.match(await page.locator('.user-email').first().getAttribute('title'), user)
  t.equal(await page.getByText('Rotating').count(), 1, 'a revoked key has no old secret that works')
})
