import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('the query is forwarded byte for byte', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url)
  const connection = await connectTo(t, url)
  for (const target of ['/a?', '/a?x', '/a?x=1&x=2&&y', '/a?q=%2F%5C%00..%2f//;\'"<>|^`{}[]', '/a?b=../../c?d#'.slice(0, -1), '/a?%', '/?http://x/', '/%41%c3%BC?%zz', '/a,b@c:d!$&(*)+=~-_.']) {
    connection.received = ''
    connection.write(`GET ${target} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`)
    await connection.sees('\r\n\r\n')
    t.match(connection.received, /^HTTP\/1.1 200/, target)
    await connection.sees('{"ok":true}')
    t.equal(upstream.seen.at(-1)!.url, target)
  }
})

t.test('stripPrefix takes the prefix off the path, and leaves the query', async t => {
  const upstream = await startUpstream(t)
  const { url, headers } = await startFront(t, upstream.url, {
    routes: ["id: stripped, path: '/api/v1/*', stripPrefix: /api/v1, auth: none", 'id: exact, path: /exact, stripPrefix: /exact, auth: none'],
  })
  for (const [sent, forwarded] of [['/api/v1/a/b?x=/api/v1/', '/a/b?x=/api/v1/'], ['/api/v1/api/v1/a', '/api/v1/a'], ['/exact?y', '/?y'], ['/other', '/other']] as const) {
    t.equal((await send(url + sent, { headers })).status, 200, sent)
    t.equal(upstream.seen.at(-1)!.url, forwarded)
  }
})

t.test('the upstream sees its own host, unless the route preserves the client\'s', async t => {
  const upstream = await startUpstream(t)
  const { url, headers } = await startFront(t, upstream.url, { routes: ['id: preserved, path: /preserved, preserveHost: true, auth: none'] })
  await send(`${url}/x`, { headers: { ...headers, host: 'api.example.com:8443' } })
  t.match(upstream.seen[0]!.headers, { host: `127.0.0.1:${upstream.port}`, 'x-forwarded-host': 'api.example.com:8443', 'x-forwarded-proto': 'http' })
  await send(`${url}/preserved`, { headers: { host: 'api.example.com:8443' } })
  t.match(upstream.seen[1]!.headers, { host: 'api.example.com:8443', 'x-forwarded-host': 'api.example.com:8443' })
  t.equal(upstream.seen[1]!.rawHeaders.filter(name => name.toLowerCase() === 'host').length, 1)
})

t.test('several targets are taken in turn', async t => {
  const upstreams = [await startUpstream(t), await startUpstream(t), await startUpstream(t)]
  const { url, headers } = await startFront(t, upstreams.map(upstream => upstream.url))
  for (let i = 0; i < 9; i++) {
    await send(`${url}/${i}`, { headers })
    t.equal(upstreams[i % 3]!.seen.at(-1)!.url, `/${i}`)
    t.equal(upstreams[i % 3]!.seen.at(-1)!.headers.host, `127.0.0.1:${upstreams[i % 3]!.port}`)
  }
})
