import { once } from 'node:events'
import t from 'tap'
import { send } from '../../support/http.ts'
import { connectTo } from '../../support/raw-connection.ts'
import { until } from '../../support/until.ts'
import { answer, startEngine, startScripted } from './engine-alone.ts'

t.test('one request at a time, each on the connection used last', async t => {
  const held: (() => void)[] = []
  const upstream = await startScripted(t, (socket, text) => {
    const reply = () => { socket.write(answer(text.split(' ', 2)[1]!)) }
    if (text.includes('held')) held.push(reply)
    else reply()
  })
  const { url, upstream: { stats } } = { ...await startEngine(t, upstream.url) }
  t.ok(stats)
  for (let i = 0; i < 5; i++) t.equal((await send(`${url}/${i}`)).text, `/${i}`)
  t.equal(upstream.sockets.length, 1)
  const three = [1, 2, 3].map(async i => await send(`${url}/held-${i}`))
  await until(() => held.length === 3, 'all three are under way')
  t.equal(upstream.sockets.length, 3, 'each has a connection of its own')
  for (const reply of held) reply()
  await Promise.all(three)
  upstream.pieces.length = 0
  for (let i = 0; i < 5; i++) await send(`${url}/${i}`)
  t.equal(new Set(upstream.pieces.map(([socket]) => socket)).size, 1, 'what one is enough for, one does')
})

t.test('what the upstream says, or what it leaves in doubt, ends a connection', async t => {
  const endings: Record<string, string> = {
    '/close': answer('ok', 'connection: close'),
    '/old': 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok',
    '/soon': answer('ok', 'keep-alive: timeout=1'),
    '/more': `${answer('ok')}HTTP/1.1 200 OK\r\n`,
    '/bodyless': 'HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n',
  }
  const upstream = await startScripted(t, (socket, text) => { socket.write(endings[text.split(' ', 2)[1]!] ?? answer('ok')) })
  const { url } = await startEngine(t, upstream.url)
  for (const path of Object.keys(endings)) {
    t.equal((await send(url + path)).status, path === '/bodyless' ? 204 : 200, path)
    const ended = upstream.sockets.at(-1)!
    if (!ended.destroyed) await once(ended, 'close')
    const { length } = upstream.sockets
    t.equal((await send(`${url}/next`)).status, 200)
    t.equal(upstream.sockets.length, length + 1, `${path}: the next request has another`)
    // And that one has to go, for the next ending to be alone.
    await send(`${url}/close`)
  }
})

t.test('bytes that nobody asked for end an idle connection, and are no answer to the next request', async t => {
  const upstream = await startScripted(t, socket => { socket.write(answer('right')) })
  const { url } = await startEngine(t, upstream.url)
  await send(url)
  upstream.sockets[0]!.write(answer('wrong'))
  await once(upstream.sockets[0]!, 'close')
  t.equal((await send(url)).text, 'right')
  t.equal(upstream.sockets.length, 2)
})

t.test('an idle connection is closed before the upstream would do it', async t => {
  const closed: string[] = []
  const upstream = await startScripted(t, (socket, text) => {
    const path = text.split(' ', 2)[1]!
    socket.once('close', () => closed.push(path))
    socket.write(answer('ok', ...path === '/two-seconds' ? ['keep-alive: timeout=2'] : []))
  })
  const { url, upstream: target } = await startEngine(t, upstream.url)
  await Promise.all([send(`${url}/unsaid`), send(`${url}/two-seconds`)])
  t.equal(target.stats().idle, 2)
  await until(() => closed.length === 2, 'both are closed')
  t.same(closed, ['/two-seconds', '/unsaid'])
  t.same(target.stats(), { connecting: 0, busy: 0, idle: 0, waiting: 0 })
})

t.test('a client that leaves takes its connection along', async t => {
  const upstream = await startScripted(t, () => {})
  const { url, upstream: target, forwarded } = await startEngine(t, upstream.url)
  const client = await connectTo(t, url)
  client.write('GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until(() => upstream.pieces.length === 1, 'the request has arrived')
  t.equal(target.stats().busy, 1)
  client.socket.destroy()
  if (!upstream.sockets[0]!.destroyed) await once(upstream.sockets[0]!, 'close')
  t.same(target.stats(), { connecting: 0, busy: 0, idle: 0, waiting: 0 })
  t.match(forwarded.get('/x'), { abort: null, failure: { name: 'ClientGoneError' } })
})

t.test('a closed upstream lets what is under way end, and keeps nothing', async t => {
  const upstream = await startScripted(t, (socket, text) => { if (!text.includes('held')) socket.write(answer('ok')) })
  const { url, upstream: target } = await startEngine(t, upstream.url)
  const held = send(`${url}/held`)
  await until(() => upstream.pieces.length === 1, 'a request is under way')
  await send(url)
  let isClosed = false
  const closing = target.close().then(() => { isClosed = true })
  await once(upstream.sockets[1]!, 'close')
  t.same([isClosed, target.stats().busy], [false, 1], 'the idle connection alone is closed')
  upstream.sockets[0]!.write(answer('late'))
  t.equal((await held).text, 'late')
  await closing
  t.same(target.stats(), { connecting: 0, busy: 0, idle: 0, waiting: 0 })
})
