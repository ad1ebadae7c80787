import type { Page } from 'playwright-core'
import t from 'tap'
import { startGateway } from '../support/gateway.ts'
import { openBrowser, openTab, shows, signIn } from './support.ts'

const adminToken = 'the-token-of-who-signs-in-here'
const config = `
upstreams:
  items: { targets: [http://127.0.0.1:9] }
routes:
  - { id: read-items, path: /items/*, upstream: items, scopes: [items:read] }
`

t.test('to say that it is stored, or to have copied it by hand, is enough', async t => {
  const gateway = await startGateway(t, { environment: { adminToken }, config })
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys/new`)
  const dialog = page.getByRole('dialog')
  await signIn(page, adminToken)

  await create(page, 'Stored')
  await page.getByRole('link', { name: 'Routes' }).click()
  await dialog.getByText('You haven’t copied it').waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'I’ve stored it: go to the key' }).click()
  await shows(page, 'Stored')
  t.equal(await dialog.count(), 0)

  await page.evaluate("location.hash = '/keys/new'")
  await create(page, 'Copied')
  const key = (await page.locator('.secret-key').textContent())!
  await page.locator('.secret-key').click()
  await page.keyboard.press('Control+C')
  t.equal(await page.evaluate('navigator.clipboard.readText()'), key)
  await page.getByRole('link', { name: 'Routes' }).click()
  await shows(page, 'Routes')
  t.equal(await dialog.count(), 0)
})

async function create (page: Page, name: string): Promise<void> {
  await shows(page, 'Create key')
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('User', { exact: true }).fill('ada@example.com')
  await page.getByText('No scope is chosen').waitFor()
  await page.getByRole('button', { name: 'Create key' }).click()
  await shows(page, `${name} is ready`)
}
