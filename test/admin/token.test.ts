import t from 'tap'
import { adminToken, isProblem, startAdmin } from './support.ts'

t.test('without a token configured, the API is closed to everybody', async (t) => {
  const { url } = await startAdmin(t, { adminToken: null })
  for (const path of ['/v1', '/v1/', '/v1/keys', '/v1/nothing']) {
    await isProblem(t, await fetch(`${url}${path}`, { headers: { authorization: 'Bearer undefined' } }), 403, 'admin_disabled')
  }
})

t.test('the API needs the token, whatever is asked of it', async (t) => {
  const { url } = await startAdmin(t)
  const wrong = [undefined, '', 'Bearer', 'Bearer ', `Bearer ${adminToken}x`, `Bearer ${adminToken.slice(1)}`, `Basic ${adminToken}`, adminToken,
    `Bearer ${adminToken} ${adminToken}`, 'Bearer null']
  for (const authorization of wrong) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const response = await fetch(`${url}/v1/keys`, { method, headers: authorization === undefined ? {} : { authorization } })
      t.match(response.headers.get('www-authenticate'), /^Bearer /)
      await isProblem(t, response, 401, 'unauthorized')
    }
  }
})

t.test('the bearer of the token gets past it', async (t) => {
  const { url, log } = await startAdmin(t)
  for (const authorization of [`Bearer ${adminToken}`, `bearer ${adminToken}`]) {
    for (const path of ['/v1', '/v1/nothing']) {
      await isProblem(t, await fetch(`${url}${path}`, { headers: { authorization } }), 404, 'route_not_found')
    }
  }
  t.notMatch(log.join(''), adminToken)
})
