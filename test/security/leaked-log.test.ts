import t from 'tap'
import { checksumOf, generateKey } from '../../src/keys/format.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { ask, host } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

t.test('a log at level trace holds no key, wherever clients and upstreams put it', async t => {
  const upstream = await startUpstream(t, (request, response) => {
    // An upstream that says back all that it was told, in headers and in a broken answer.
    if (request.url?.startsWith('/break')) return response.destroy(new Error(String(request.headers['user-agent'])))
    response.writeHead(200, { 'x-echo': String(request.headers['user-agent']), 'set-cookie': `key=${String(request.headers.cookie)}` })
    response.end(JSON.stringify(request.headers))
  })
  const { gateway, url, key, headers } = await startFront(t, upstream.url, {
    route: 'bodyBytesMax: 1KiB',
    routes: ['id: public, path: /public/*, auth: none', 'id: report, path: /report/*, auth: report'],
  })
  const body = key.slice(0, 20) + generateKey({ brand: 'sk', environment: 'live' }).slice(20, 40)
  const unknown = body + checksumOf(body)
  for (const secret of [key, unknown]) {
    const places: Record<string, string>[] = [
      { 'user-agent': secret }, { referer: `https://example.com/?k=${secret}` }, { cookie: `k=${secret}` }, { traceparent: secret },
      { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tracestate: `k=${secret}` }, { 'x-request-id': secret },
      { 'x-forwarded-for': secret }, { 'x-latchkey-user-id': secret }, { origin: `https://${secret}.example` }, { range: secret },
      { authorization: `Basic ${Buffer.from(`key:${secret}`).toString('base64')}` }, { authorization: `Bearer ${secret}` },
      { 'proxy-authorization': `Bearer ${secret}` }, { [secret]: 'as a name' }, { 'x-api-key': `${secret}x` }, { 'x-api-key': secret },
    ]
    for (const place of places) {
      for (const path of ['/', '/break', '/public/x', '/report/x']) await send(`${url}${path}`, { headers: { ...headers, ...place } })
    }
    for (const target of [`/${secret}`, `/${secret}/${secret}`, `/x?${secret}`, `/x?a=${secret}&b=${encodeURIComponent(secret)}`, `//${secret}`, `/%${secret}`, `/public/${secret}`, `/x#${secret}`, `http://${secret}@gateway.test/`, `http://${secret}.test/`]) {
      await ask(url, { target, headers: [host, `x-api-key: ${key}`] })
      await ask(url, { target, headers: [`Host: ${secret}`] })
    }
    for (const size of [1, 100]) await send(`${url}/break`, { method: 'POST', headers, body: secret.repeat(size) })
    for (const bytes of [`${secret} / HTTP/1.1\r\n\r\n`, `GET / ${secret}\r\n\r\n`, `GET / HTTP/1.1\r\nHost: x\r\n${secret}\r\n\r\n`, `GET / HTTP/1.1\r\nHost: x\r\nx-api-key: ${secret}\u0000\r\n\r\n`, secret.repeat(500)]) {
      const connection = await connectTo(t, url)
      connection.write(bytes)
      connection.socket.end()
      await connection.closed()
    }
  }
  await until(() => gateway.logs.length > 100, 'the requests are logged')
  const text = gateway.logs.join('').toLowerCase()
  t.ok(text.includes(key.slice(0, 12).toLowerCase()), 'the prefix, which may be logged, is found')
  for (const secret of [key, unknown]) {
    for (const part of [secret.slice(12, 28), secret.slice(28)]) {
      t.equal(text.split(part.toLowerCase()).length - 1, 0, 'no part of the secret')
      t.notOk(text.includes(Buffer.from(part).toString('hex')))
    }
  }
  t.notOk(text.includes(gateway.pepper.toString('hex')))
})
