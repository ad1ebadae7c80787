import t from 'tap'
import { isAccessible, openBrowser, openTab, shows, signIn } from '../page/support.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const adminToken = 'the-token-of-who-signs-in-here'
const userAgent = 'warehouse/2.1'

t.test('create, copy, call, see it, rotate, end the grace, revoke', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    environment: { adminToken },
    config: `
upstreams:
  inventory: { targets: [${upstream.url}] }
routes:
  - { id: read-inventory, path: /inventory/*, methods: [GET, HEAD], upstream: inventory, scopes: [inventory:read] }
  - { id: write-inventory, path: /inventory/*, methods: [POST, DELETE], upstream: inventory, scopes: [inventory:write] }
  - { id: read-tickets, path: /tickets, upstream: inventory, scopes: { anyOf: [tickets:read, tickets:admin] } }
`,
  })
  const page = await openTab(t, await openBrowser(t), `${gateway.adminUrl}/#/keys`, { expected: /status of (401|400)/ })
  const call = async (key: string) => await send(`${gateway.url}/inventory/7`, { headers: { 'x-api-key': key, 'user-agent': userAgent } })
  const secret = page.locator('.secret-key')
  const dialog = page.getByRole('dialog')

  // Who isn't signed in is asked to, and comes to what was asked for.
  await signIn(page, 'not-the-token-of-anybody')
  await page.getByText('This token isn’t accepted').waitFor()
  await isAccessible(t, page, 'a refused token')
  await signIn(page, adminToken)
  await shows(page, 'Keys')
  t.notMatch(page.url(), adminToken)
  await page.getByText('No keys yet').waitFor()

  // A form that isn't complete says so where it isn't.
  await page.getByRole('link', { name: 'Create the first key' }).click()
  await shows(page, 'Create key')
  await page.getByRole('button', { name: 'Create key' }).click()
  t.equal(await page.getByLabel('Name').getAttribute('aria-invalid'), 'true')
  t.equal(await page.evaluate('document.activeElement.labels[0].textContent'), 'Name', 'the first fault has the focus')
  await page.getByLabel('Name').fill('Warehouse')
  await page.getByLabel('User', { exact: true }).fill('not a user')
  await page.getByLabel('inventory:read').check()
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.locator('[data-field=userId] .fault').waitFor()
  await isAccessible(t, page, 'a form with faults')
  await page.getByLabel('User', { exact: true }).fill('ada@example.com')
  await page.getByRole('button', { name: 'Create key' }).click()

  // The key is shown this once; leaving it behind has to be meant.
  await shows(page, 'Warehouse is ready')
  const key = (await secret.textContent())!
  await isAccessible(t, page, 'a new key')
  await page.getByRole('link', { name: 'Routes' }).click()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Copy the key' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  t.equal(await page.evaluate('navigator.clipboard.readText()'), key)
  const line = (await page.getByRole('region', { name: 'curl line' }).textContent())!
  t.equal(line, `curl -i -H 'x-api-key: ${key}' '${gateway.url}/inventory/example'`)

  await page.getByRole('button', { name: 'I’ve stored it: go to the key' }).click()
  await shows(page, 'Warehouse')
  await page.getByText('No requests in the last 24 hours').waitFor()

  // A call with it shows up by itself.
  await until(async () => (await call(key)).status === 200, 'the key works')
  await page.locator('.stat', { hasText: 'Requests' }).waitFor()
  await page.locator('.chart-frame').focus()
  await page.keyboard.press('End')
  t.match(await page.locator('.chart-frame').getAttribute('aria-valuetext'), /: \d+ requests?, 0 errors, p95 [\d.]+ ms$/)
  await isAccessible(t, page, 'a used key')

  // Both secrets work during the grace, and one sees who still uses the old one.
  await page.getByRole('button', { name: 'Rotate' }).click()
  await isAccessible(t, page, 'rotating')
  await dialog.getByLabel('7 days').check()
  await dialog.getByRole('button', { name: 'Rotate' }).click()
  await dialog.getByRole('heading', { name: 'The new secret' }).waitFor()
  const fresh = (await secret.textContent())!
  t.not(fresh, key)
  await page.keyboard.press('Escape')
  await dialog.getByText('You haven’t copied it').waitFor()
  await isAccessible(t, page, 'a new secret')
  await dialog.getByRole('button', { name: 'Copy the key' }).click()
  await dialog.getByRole('button', { name: 'I’ve stored it' }).click()
  const panel = page.getByRole('region', { name: 'The old secret still works' })
  await panel.getByText('Too early to tell').waitFor()
  await until(async () => (await call(fresh)).status === 200, 'the new secret works')
  t.equal((await call(key)).status, 200, 'and the old one too')
  await panel.getByText(userAgent).first().waitFor()
  await panel.getByText('Still in use').waitFor()
  await isAccessible(t, page, 'a key in its grace')

  await panel.getByRole('button', { name: 'End grace now' }).click()
  await isAccessible(t, page, 'ending a grace')
  await dialog.getByRole('button', { name: 'End grace now' }).click()
  await panel.waitFor({ state: 'detached' })
  await until(async () => (await call(key)).code === 'invalid_key', 'the old secret is refused')
  t.equal((await call(fresh)).status, 200, 'the new one still works')

  // Revoking asks for the name.
  await page.getByRole('button', { name: 'Revoke' }).click()
  t.ok(await dialog.getByRole('button', { name: 'Revoke key' }).isDisabled())
  await isAccessible(t, page, 'revoking')
  await dialog.getByRole('textbox').fill('Warehouse')
  await dialog.getByRole('button', { name: 'Revoke key' }).click()
  await page.locator('.badge-revoked').waitFor()
  await until(async () => (await call(fresh)).code === 'key_revoked', 'the key is refused as revoked')

  const history = page.getByRole('region', { name: 'History' })
  await history.getByText('revoked this key').waitFor()
  const sentences = await history.locator('.audit-what > p:first-child').allTextContents()
  t.same(sentences.map(sentence => sentence.replace(/^\S+ /, '')), ['revoked this key', 'ended the grace period of this key', 'rotated this key', 'created this key'])
  t.notOk((await page.content()).includes(fresh), 'the secret is nowhere any more')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Latchkey' }).waitFor()
  t.equal(await page.evaluate('sessionStorage.length + localStorage.length'), 0, 'nothing is kept')
})
