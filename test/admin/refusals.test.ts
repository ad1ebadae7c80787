import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { Registry } from 'prom-client'
import { isProblem, startAdmin } from './support.ts'

t.test('an unknown path is a problem', async (t) => {
  const { url } = await startAdmin(t)
  await isProblem(t, await fetch(`${url}/nothing?token=x`), 404, 'route_not_found')
  await isProblem(t, await fetch(`${url}/Metrics`), 404, 'route_not_found')
})

t.test('a wrong method is a problem that says which are right', async (t) => {
  const { url } = await startAdmin(t)
  for (const path of ['/', '/metrics', '/healthz', '/readyz']) {
    const response = await fetch(`${url}${path}`, { method: 'POST', body: 'x'.repeat(100), headers: { 'content-type': 'text/unknown' } })
    t.equal(response.headers.get('allow'), 'GET, HEAD')
    await isProblem(t, response, 405, 'method_not_allowed')
  }
})

t.test('a malformed address is a problem', async (t) => {
  const { url } = await startAdmin(t)
  await isProblem(t, await fetch(`${url}/%zz`), 400, 'bad_request')
})

t.test('what node refuses is a problem too', async (t) => {
  const { url } = await startAdmin(t)
  const answers = {
    'NOT HTTP AT ALL\r\n\r\n': /^HTTP\/1\.1 400 Bad Request\r\n.*"code":"bad_request"/s,
    [`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`]: /^HTTP\/1\.1 431 .*"code":"headers_too_large"/s,
  }
  for (const [request, answer] of Object.entries(answers)) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let received = ''
    socket.setEncoding('utf8').on('data', (text) => { received += text })
    socket.write(request)
    await once(socket, 'close')
    t.match(received, answer)
    t.match(received, /content-type: application\/problem\+json/i)
  }
})

t.test('a failure tells the client nothing and the log everything', async (t) => {
  class Broken extends Registry {
    override async metrics (): Promise<string> { throw new Error('the cause inside') }
  }
  const { url, log } = await startAdmin(t, { registry: new Broken() })
  const response = await fetch(`${url}/metrics`)
  t.notMatch(await response.clone().text(), /the cause inside/)
  await isProblem(t, response, 500, 'internal_error')
  t.match(log.join(''), /the cause inside/)
})
