import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { send } from '../../support/http.ts'
import { until } from '../../support/until.ts'
import { answer, startEngine, startScripted } from './engine-alone.ts'

t.test('so many connections are opened at a time, and whoever waits for too long is told', async t => {
  // Accepts, and never answers the TLS handshake.
  const sockets: Socket[] = []
  const silent = createServer(socket => { sockets.push(socket.on('error', () => {})) })
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    silent.close(resolve)
    for (const socket of sockets) socket.destroy()
  }))
  const { url, upstream } = await startEngine(t, `https://127.0.0.1:${(silent.address() as AddressInfo).port}`, { connectTimeoutMs: 1_500, retries: 0 })
  const answers = Promise.all(Array.from({ length: 200 }, async () => (await send(url)).text))
  await until(() => upstream.stats().waiting === 200, 'all of them wait')
  t.equal(upstream.stats().connecting, 128)
  t.same(new Set(await answers), new Set(['upstream_timeout']))
  t.equal(upstream.stats().waiting, 0)
  await until(() => upstream.stats().connecting === 0, 'what was still being opened is given up')
})

t.test('a burst is served by the connections that come first', async t => {
  const upstream = await startScripted(t, (socket, text) => { socket.write(answer(text.split(' ', 2)[1]!)) })
  const { url, upstream: target } = await startEngine(t, upstream.url)
  const answers = await Promise.all(Array.from({ length: 400 }, async (_, i) => (await send(`${url}/${i}`)).text))
  t.same(answers, Array.from({ length: 400 }, (_, i) => `/${i}`), 'each gets its own answer')
  t.ok(upstream.sockets.length <= 400, 'no more connections than requests')
  t.equal(upstream.pieces.length, 400)
  t.equal(target.stats().busy, 0)
  t.equal(target.stats().waiting, 0)
})

t.test('a refused connection fails one request, and another is opened for the next', async t => {
  const gone = createServer()
  await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve))
  const { port } = gone.address() as AddressInfo
  await new Promise(resolve => gone.close(resolve))
  const { url, upstream } = await startEngine(t, `http://127.0.0.1:${port}`, { retries: 2 })
  const answers = await Promise.all(Array.from({ length: 300 }, async () => (await send(url)).text))
  t.same(new Set(answers), new Set(['upstream_unreachable']))
  t.same(upstream.stats(), { connecting: 0, busy: 0, idle: 0, waiting: 0 })
})
