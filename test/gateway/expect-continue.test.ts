import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { startGateway } from '../support/gateway.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('a body is asked for only after the key was checked', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url, { route: 'bodyBytesMax: 1KiB' })
  const head = (...lines: string[]) => ['POST /upload HTTP/1.1', 'Host: gateway', 'Expect: 100-continue', ...lines, '', ''].join('\r\n')

  const admitted = await connectTo(t, url)
  admitted.write(head(`x-api-key: ${key}`, 'Content-Length: 5'))
  await admitted.sees('HTTP/1.1 100 Continue\r\n\r\n')
  t.equal(admitted.received, 'HTTP/1.1 100 Continue\r\n\r\n')
  admitted.write('hello')
  await admitted.sees('{"ok":true}')
  t.match(admitted.received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  t.match(upstream.seen, [{ body: 'hello', headers: { expect: undefined } }])

  for (const [lines, status] of [
    [['x-api-key: sk_live_wrong', 'Content-Length: 5'], 401],
    [['Content-Length: 5'], 401],
    [[`x-api-key: ${key}`, 'Content-Length: 1025'], 413],
    [[`x-api-key: ${key}`, 'Content-Length: 70000'], 413],
  ] as const) {
    const refused = await connectTo(t, url)
    refused.write(head(...lines))
    await refused.sees('"requestId"')
    t.match(refused.received, new RegExp(`^HTTP/1\\.1 ${status} `))
    t.notMatch(refused.received, /100 Continue/)
  }
  t.equal(upstream.seen.length, 1)
})

t.test('an expectation without a body changes nothing', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url)
  const connection = await connectTo(t, url)
  connection.write(`GET / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nx-api-key: ${key}\r\nExpect: 100-continue\r\n\r\n`)
  await connection.closed()
  t.match(connection.received, /HTTP\/1\.1 200 OK/)
})

// What the upstream does as soon as it has the head, which comes with the first bytes of the body.
const early: Record<string, { readonly act: (socket: Socket) => void, readonly status: number, readonly text: string }> = {
  'refuses with 401': { act: socket => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nnobdy'), status: 401, text: 'nobdy' },
  'refuses with 417': { act: socket => socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'), status: 417, text: '' },
  'refuses with 413 and closes': { act: socket => socket.end('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge'), status: 413, text: 'large' },
  'refuses in chunks': { act: socket => socket.write('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'), status: 403, text: 'no' },
  'sends its own 100 and refuses': { act: socket => socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nnobdy'), status: 401, text: 'nobdy' },
  'refuses late': { act: socket => { setTimeout(() => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nnobdy'), 500) }, status: 401, text: 'nobdy' },
  'accepts unread': { act: socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nquick'), status: 200, text: 'quick' },
  closes: { act: socket => socket.end(), status: 502, text: 'upstream_unreachable' },
  resets: { act: socket => socket.resetAndDestroy(), status: 502, text: 'upstream_unreachable' },
  'never answers': { act: () => {}, status: 408, text: 'request_timeout' },
}
const framings = {
  'with a length': { line: (body: string) => `Content-Length: ${body.length}`, wrap: (body: string) => body },
  'in chunks': { line: () => 'Transfer-Encoding: chunked', wrap: (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` },
}

t.test('an upstream that acts before it has the body: one clear answer, and nothing behind it is mistaken', async t => {
  const executed: string[] = []
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', bytes => {
      const [, path = ''] = bytes.toString('latin1').split(' ', 2)
      if (!path.startsWith('/')) return
      executed.push(path)
      const behaviour = Object.values(early)[Number(path.split('/')[1])]
      if (behaviour === undefined) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext')
      else behaviour.act(socket)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const gone = createServer()
  await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve))
  const portOf = (server: Server) => (server.address() as AddressInfo).port
  const gonePort = portOf(gone)
  await new Promise(resolve => gone.close(resolve))
  const { url, logs } = await startGateway(t, {
    config: `
gateway: { bodyTimeout: 2s }
upstreams:
  acting: { targets: ['http://127.0.0.1:${portOf(server)}'], retries: 0 }
  gone: { targets: ['http://127.0.0.1:${gonePort}'] }
routes:
  - { id: acting, path: '/*', upstream: acting, auth: none }
  - { id: gone, path: '/gone/*', upstream: gone, auth: none }
`,
  })
  const smuggled = ['GET /smuggled HTTP/1.1', 'Host: gateway', '', ''].join('\r\n')
  const behaviours: [string, { status: number, text: string }, string][] = [
    ...Object.entries(early).map(([name, behaviour], index): [string, typeof behaviour, string] => [name, behaviour, `/${index}`]),
    ['is not there', { status: 502, text: 'upstream_unreachable' }, '/gone'],
  ]
  await Promise.all(behaviours.flatMap(([name, { status, text }, path]) => Object.entries(framings).flatMap(([framing, { line, wrap }], index) => [false, true].map(async sendsBody => {
    const what = `${name}, ${framing}, ${sendsBody ? 'the rest of the body is sent behind the answer' : 'nothing follows'}`
    const client = await connectTo(t, url)
    client.write([`POST ${path}/${index}${sendsBody} HTTP/1.1`, 'Host: gateway', 'Expect: 100-continue', line(`x${smuggled}`), '', ''].join('\r\n'))
    await client.sees('HTTP/1.1 100 Continue\r\n\r\n')
    const body = wrap(`x${smuggled}`)
    const firstBytes = body.indexOf('x') + 1
    client.write(body.slice(0, firstBytes))
    await client.sees(`HTTP/1.1 ${status} `)
    if (sendsBody) {
      client.write(body.slice(firstBytes))
      client.write(['GET /next HTTP/1.1', 'Host: gateway', 'Connection: close', '', ''].join('\r\n'))
    }
    await until(() => client.isClosed, `the connection is closed: ${what}`)
    const finals = client.received.split('HTTP/1.1 ').slice(1).filter(answer => !answer.startsWith('100 '))
    t.match(finals[0], new RegExp(`^${status} [^]*${text}`), what)
    t.ok(finals.length === 1 || (sendsBody && finals.length === 2 && finals[1]!.startsWith('200 ') && finals[1]!.endsWith('next')), `${what}: the connection is closed, or goes on with the next request`, { received: client.received })
    t.equal(client.received.split('HTTP/1.1 100 Continue').length, 2, `${what}: asked to continue once`)
  }))))
  t.notOk(executed.includes('/smuggled'), 'no body was run as a request')
  t.same(logs.filter(line => line.includes('"level":50')), [])
})
