import t from 'tap'
import { startAdmin } from './support.ts'

t.test('healthz answers while the process lives', async (t) => {
  const { url } = await startAdmin(t, { isReady: () => false })
  const response = await fetch(`${url}/healthz`)
  t.equal(response.status, 200)
  t.same(await response.json(), { status: 'ok' })
})

t.test('readyz follows the gateway', async (t) => {
  let isReady = false
  const { url } = await startAdmin(t, { isReady: () => isReady })
  const before = await fetch(`${url}/readyz`)
  t.equal(before.status, 503)
  t.same(await before.json(), { status: 'not ready' })
  isReady = true
  const after = await fetch(`${url}/readyz`)
  t.equal(after.status, 200)
  t.same(await after.json(), { status: 'ready' })
})
