import { once } from 'node:events'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'

t.test('doesn\'t keep its connection, also where an earlier request was being answered', async t => {
  const held: (() => void)[] = []
  const upstream = await startRawUpstream(t, (_request, response) => { held.push(() => response.end('first')) })
  const { url, key } = await startFront(t, upstream.url)
  const client = await connectTo(t, url)
  client.write(`GET / HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\n\r\n`)
  await until(() => held.length === 1, 'the first is under way')
  client.write('POST / HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: junk\r\nContent-Length: 10\r\n\r\n01234')
  client.socket.end()
  await once(client.socket, 'finish')
  t.equal((await send(`${url}/-/live`)).status, 200, 'by now the gateway has read the end of the other connection')
  held[0]!()
  await client.closed()
  t.match(client.received, /first/)
  // Whichever is found first: that its key is none, or that its body will never be whole.
  t.match(client.received, /HTTP\/1.1 (?:400 [^]*bad_request|401 [^]*invalid_key)/)
})
