import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startFront } from '../support/front.ts'
import { ask, host } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('two keys are refused, one key and another credential are not', async t => {
  const upstream = await startUpstream(t)
  const { gateway, url, key } = await startFront(t, upstream.url, {
    routes: ['id: public, path: /public, auth: none', 'id: report, path: /report, auth: report'],
  })
  const { key: second } = await gateway.createKey({ scopes: ['all:use'] })
  const test = generateKey({ brand: 'sk', environment: 'test' })
  const forward = (target: string, headers: string[]) => ask(url, { target, headers: [host, ...headers] })

  const ambiguous = [
    [`x-api-key: ${key}`, `x-api-key: ${key}`],
    [`x-api-key: ${key}`, `X-API-Key: ${second}`],
    [`x-api-key: ${key}`, 'x-api-key: '],
    ['x-api-key: ', 'x-api-key: '],
    [`x-api-key: ${key}`, `Authorization: Bearer ${second}`],
    [`x-api-key: ${key}`, `Authorization: bearer  ${second}`],
    [`x-api-key: ${key}`, `Authorization: Bearer ${test}`],
    [`x-api-key: ${key}`, `Authorization: Bearer ${key}0`],
    [`x-api-key: ${key}`, 'Authorization: Bearer sk_live_x'],
    [`x-api-key: ${key}`, `Authorization: Bearer ${key}, Bearer ${key}`],
    ['x-api-key: junk', `Authorization: Bearer ${key}`],
  ]
  for (const headers of ambiguous) {
    const { status, code } = await forward('/x', headers)
    t.equal(`${status} ${code}`, '400 ambiguous_key', headers.join(' | '))
  }
  t.equal(upstream.seen.length, 0)

  const single = [
    [`x-api-key: ${key}`],
    [`Authorization: Bearer ${key}`],
    [`x-api-key: ${key}`, `Authorization: Bearer ${key}`],
    ['x-api-key: ', `Authorization: Bearer ${key}`],
    [`x-api-key: ${key}`, 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln'],
    [`x-api-key: ${key}`, 'Authorization: Bearer pk_live_0123456789abcdefghijklmnopqrstuvwxyz'],
    [`x-api-key: ${key}`, 'Authorization: Bearer sk_live'],
    [`x-api-key: ${key}`, 'Authorization: Bearer SK_LIVE_X'],
    [`x-api-key: ${key}`, `Authorization: Basic ${Buffer.from(`${second}:`).toString('base64')}`],
    [`x-api-key: ${key}`, 'Authorization: '],
    [`x-api-key: ${key}`, `x_api_key: ${second}`],
  ]
  for (const headers of single) t.equal((await forward('/x', headers)).status, 200, headers.join(' | '))
  t.equal((await ask(url, { target: `/x?x-api-key=${second}&api_key=${second}`, headers: [host, `x-api-key: ${key}`] })).status, 200, 'the query holds no key')

  t.equal((await forward('/x', [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`])).code, 'bad_request', 'Authorization twice')
  t.equal((await forward('/public', [`x-api-key: ${key}`, `Authorization: Bearer ${second}`])).status, 200, 'a public route looks at no key')
  t.equal((await forward('/public', [`x-api-key: ${key}`, `x-api-key: ${second}`])).code, 'ambiguous_key', 'but a repeated header is refused everywhere')
  const reported = await forward('/report', [`x-api-key: ${key}`, `Authorization: Bearer ${second}`])
  t.equal(reported.status, 200)
  t.notMatch(upstream.seen.at(-1)!.headers, { authorization: /./ }, 'neither is passed on')
})
