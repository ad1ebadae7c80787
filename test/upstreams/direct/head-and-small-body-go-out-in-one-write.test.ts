import { Socket } from 'node:net'
import t from 'tap'
import { connectTo } from '../../support/raw-connection.ts'
import { answer, startEngine, startScripted } from './engine-alone.ts'

interface Writes { _write: Socket['_write'], _writev: NonNullable<Socket['_writev']> }

/** What every socket of this process hands to the system, each piece by itself: methods that streams are made of, looked at. */
const written: { readonly port: number | undefined, readonly bytes: number }[] = []
const prototype = Socket.prototype as unknown as Writes
const { _write, _writev } = prototype
prototype._write = function (this: Socket, chunk: Buffer | string, ...rest) {
  written.push({ port: this.remotePort, bytes: chunk.length })
  return _write.call(this, chunk, ...rest)
}
prototype._writev = function (this: Socket, chunks, ...rest) {
  written.push({ port: this.remotePort, bytes: chunks.reduce((sum, { chunk }) => sum + (chunk as Buffer).length, 0) })
  return _writev.call(this, chunks, ...rest)
}
t.teardown(() => { Object.assign(prototype, { _write, _writev }) })

const upstream = await startScripted(t, (socket, text) => {
  // The end of whichever body it is.
  if (/\r\n\r\n$|END/.test(text)) socket.write(answer('answered', 'x-own: yes'))
})
const { url } = await startEngine(t, upstream.url)
const client = await connectTo(t, url)
const clientPort = client.socket.localPort

const small = `${'x'.repeat(10_237)}END`
const requests: Record<string, string> = {
  'without a body': 'GET /get HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'with a body and its length': `POST /post HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${small.length}\r\n\r\n${small}`,
  'with a chunked body': 'POST /chunked HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n3\r\nEND\r\n0\r\n\r\n',
  'with an empty chunked body': 'POST /empty HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
}
for (const [what, request] of Object.entries(requests)) {
  t.test(`a request ${what}, and its answer`, async t => {
    written.length = 0
    upstream.pieces.length = 0
    client.received = ''
    client.write(request)
    await client.sees('answered')
    t.match(client.received, /^HTTP\/1\.1 200 OK\r\nx-own: yes\r\nx-request-id: own\r\ncontent-length: 8\r\n/)
    const received = upstream.pieces.map(([, text]) => text).join('')
    t.same(written.filter(({ port }) => port === upstream.port), [{ port: upstream.port, bytes: received.length }], 'to the upstream')
    t.equal(written.filter(({ port }) => port === clientPort).length, 1, 'to the client')
    t.match(received, `${request.slice(0, request.indexOf('Host'))}host: ${new URL(upstream.url).host}\r\nconnection: keep-alive\r\n`)
    t.match(received, 'x-sent: yes\r\n')
    if (what === 'with a chunked body') t.match(received, /transfer-encoding: chunked\r\n[^]*\r\n\r\n8\r\nfirstEND\r\n0\r\n\r\n$/)
  })
}
