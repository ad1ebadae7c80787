import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import t from 'tap'
import type { Connection } from '../../src/gateway/connections.ts'
import type { Identity } from '../../src/gateway/identity.ts'
import { HttpDate } from '../../src/gateway/plain/http-date.ts'
import { PlainConnection } from '../../src/gateway/plain/plain-connection.ts'
import { RequestReader } from '../../src/gateway/plain/request-reader.ts'
import { Outbox } from '../../src/upstreams/outbox.ts'

/** More than the system's buffers take. */
const bodyBytes = 50_000_000

t.test('takes all of it before the connection ends', async t => {
  const body = 'x'.repeat(bodyBytes)
  const ends: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    ends.push(socket)
    const plain = new PlainConnection(socket, {} as Connection, {
      reader: new RequestReader(),
      date: new HttpDate(),
      outbox: new Outbox(),
      keepAliveLines: '',
      sendTimeoutMs: 30_000,
      accept: (_request, response) => ({ response }) as unknown as Identity,
      begin: ({ response }) => response.send({ status: 200, lines: '', hasDate: true, contentLength: bodyBytes, isBodyless: false }, body),
      closed () {},
      handOver (other) { other.destroy() },
    })
    t.equal(plain.isIdle, true)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  // It has begun, and waits.
  await once(client, 'readable')
  client.end()
  await once(ends[0]!, 'end')
  t.ok(ends[0]!.writableLength > 0)
  let got = 0
  client.on('data', (bytes: Buffer) => { got += bytes.length })
  await once(client, 'end')
  t.ok(got > bodyBytes, `${got} bytes`)
})
