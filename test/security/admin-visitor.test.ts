import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { ask } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

const adminToken = 'a-token-for-the-tests-alone'

t.test('who reaches the admin port without the token sees numbers, and nothing of keys, users and clients', async t => {
  const upstream = await startUpstream(t)
  const { gateway, url, key, headers } = await startFront(t, upstream.url, { environment: { adminToken } })
  const { rows: [{ user_id: userId }] } = await gateway.database.pool.query('select user_id from api_keys limit 1')
  for (const asked of ['/', '/secret-path/42?token=abc', `/${key}`]) {
    await send(`${url}${asked}`, { headers: { ...headers, 'user-agent': 'a-private-client', 'x-request-id': 'a-request-id' } })
    await send(`${url}${asked}`, { headers: { 'x-api-key': `${key}x` } })
  }
  const told = [
    gateway.pepper.toString('hex'), key.slice(0, 12), userId, 'ada@example.com', adminToken, 'secret-path', 'token=', 'a-private-client', 'a-request-id',
    '127.0.0.1', new URL(gateway.database.url).password, upstream.url,
  ]
  for (const path of ['/', '/metrics', '/healthz', '/readyz']) {
    const { status, text } = await send(`${gateway.adminUrl}${path}`)
    t.equal(status, 200)
    for (const secret of told) t.notOk(text.includes(secret), `${path} tells nothing of ${secret.slice(0, 12)}`)
  }
  for (const authorization of ['', 'Bearer', `Bearer ${adminToken.slice(0, -1)}`, `Bearer ${adminToken}x`, `Bearer ${key}`, `Basic ${adminToken}`]) {
    for (const path of ['/v1/keys', '/v1', '/v1/', '/v1/anything']) {
      const { status } = await send(`${gateway.adminUrl}${path}`, { headers: { authorization } })
      t.ok([401, 404].includes(status), `${path} ${status}`)
    }
  }

  t.test('a web page that points its own name at loopback reads nothing', async t => {
    for (const host of ['evil.example', 'evil.example:8081', 'EVIL.example.', '127.0.0.1.evil.example', 'localhost.evil.example', '[::1].evil.example']) {
      const { status, text } = await ask(gateway.adminUrl, { target: '/metrics', headers: [`Host: ${host}`] })
      t.equal(status, 400, host)
      t.match(text, '"code":"bad_request"')
      t.notMatch(text, 'latchkey_')
    }
    for (const host of ['127.0.0.1', '127.0.0.1:8081', 'localhost', 'LOCALHOST:8081', 'a.localhost', '[::1]:8081', 'this-machine', '192.0.2.1']) {
      t.equal((await ask(gateway.adminUrl, { target: '/healthz', headers: [`Host: ${host}`] })).status, 200, host)
    }
  })
})
