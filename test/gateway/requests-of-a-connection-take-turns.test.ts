import { connect } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { sendRaw } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startRawUpstream, startUpstream } from '../support/upstream.ts'

t.test('pipelined requests are forwarded one after the other and answered in order', async t => {
  let running = 0
  let runningMost = 0
  let seen = 0
  const upstream = await startUpstream(t, (request, response, body) => {
    runningMost = Math.max(runningMost, ++running)
    seen++
    // As late as possible, so that others would overtake it.
    setImmediate(() => setImmediate(() => {
      running--
      response.end(`<${request.url}${body}>`)
    }))
  })
  const { url, key } = await startFront(t, upstream.url)
  const head = (method: string, path: string, lines = '') => `${method} ${path} HTTP/1.1\r\nHost: a\r\nx-api-key: ${key}\r\n${lines}\r\n`
  const requests = Array.from({ length: 200 }, (_, i) => i % 3 === 0 ? `${head('POST', `/${i}`, 'Content-Length: 5\r\n')}-body` : head('GET', `/${i}`))
  const answer = await sendRaw(url, requests.join('') + head('GET', '/200', 'Connection: close\r\n'))
  t.equal(runningMost, 1)
  t.equal(seen, 201)
  t.same(answer.match(/<[^>]*>/g), Array.from({ length: 201 }, (_, i) => i < 200 && i % 3 === 0 ? `</${i}-body>` : `</${i}>`))
})

t.test('a refusal waits for its turn, too, and ends what is behind it', async t => {
  const upstream = await startUpstream(t, (request, response) => { setImmediate(() => response.end(`<${request.url}>`)) })
  const { url, key } = await startFront(t, upstream.url)
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nx-api-key: ${key}\r\n\r\n`
  const answer = await sendRaw(url, get('/1') + get('/2') + get('/%zz') + get('/4'))
  t.same(answer.match(/<[^>]*>|HTTP\/1.1 \d+/g), ['HTTP/1.1 200', '</1>', 'HTTP/1.1 200', '</2>', 'HTTP/1.1 400'])
  t.equal(upstream.seen.length, 2)
})

t.test('behind a request that takes long, others neither reach the upstream nor outlive the connection', async t => {
  let seen = 0
  let ended = 0
  const upstream = await startRawUpstream(t, (_request, response) => {
    seen++
    response.once('close', () => ended++)
    response.write('begun')
  })
  const { url, key, gateway } = await startFront(t, upstream.url)
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  client.on('error', () => {})
  let received = ''
  client.on('data', chunk => { received += String(chunk) })
  const request = `GET /long HTTP/1.1\r\nHost: a\r\nx-api-key: ${key}\r\n\r\n`
  client.write(request.repeat(3))
  await until(() => received.includes('begun'), 'the first answer has begun')
  client.destroy()
  await until(() => ended === 1, 'the first request was broken off')
  await gateway.close()
  t.equal(seen, 1)
  t.equal(gateway.logs.filter(line => JSON.parse(line).msg === 'request').length, 1)
})
