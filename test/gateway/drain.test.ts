import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { startRawUpstream } from '../support/upstream.ts'

t.test('a shutdown waits for answers under way, and not for connections without a request', async t => {
  let answer: (() => void) | null = null
  const upstream = await startRawUpstream(t, (request, response) => {
    if (request.url === '/quick') return response.end('quick')
    response.write('begun')
    answer = () => response.end('done')
  })
  const { url, key, gateway } = await startFront(t, upstream.url)
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: gateway\r\nx-api-key: ${key}\r\n\r\n`
  const unused = await connectTo(t, url)
  const idle = await connectTo(t, url)
  idle.write(ask('/quick'))
  await idle.sees('quick')
  const late = await connectTo(t, url)
  late.write(ask('/quick'))
  await late.sees('quick')
  const busy = await connectTo(t, url)
  busy.write(ask('/long'))
  await busy.sees('begun')

  let isClosed = false
  const closing = gateway.close().then(() => { isClosed = true })
  late.received = ''
  late.write(ask('/quick'))
  await late.closed()
  t.match(late.received, /^HTTP\/1\.1 200 [^]*connection: close[^]*quick/i, 'a request within the grace is answered, as the last of its connection')
  await Promise.all([idle.closed(), unused.closed()])
  t.notOk(isClosed, 'the answer under way is waited for')
  await t.rejects(connectTo(t, url), { code: 'ECONNREFUSED' }, 'nobody new is let in')

  answer!()
  await busy.sees('done')
  await busy.closed()
  await closing
  t.ok(busy.received.endsWith('0\r\n\r\n'), 'it ends as it should')
  t.notOk(gateway.logs.some(line => line.includes('broken off')))
})
