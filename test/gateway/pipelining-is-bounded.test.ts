import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { Turns } from '../../src/gateway/turns.ts'
import { until } from '../support/until.ts'

t.test('no more is read of a connection on which many requests wait', async t => {
  const turns = new Turns()
  const connections: Socket[] = []
  let first: ServerResponse | null = null
  let arrived = 0
  let begun = 0
  let waitingMost = 0
  const server = createServer((request, response) => {
    arrived++
    turns.take(request.socket, response, () => {
      if (++begun === 1) first = response
      else response.end()
    })
    waitingMost = Math.max(waitingMost, arrived - begun)
  })
  server.on('connection', (socket: Socket) => connections.push(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })

  const request = `GET / HTTP/1.1\r\nHost: a\r\nx-padding: ${'x'.repeat(2_000)}\r\n\r\n`
  const count = 4_000
  const bytes = request.length * count
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => { client.destroy() })
  client.resume()
  client.write(request.repeat(count))
  const isStopped = () => connections[0]?.isPaused() === true && begun > 0
  await until(() => isStopped() || connections[0]?.bytesRead === bytes, 'reading has stopped')
  t.ok(connections[0]!.bytesRead < 1_000_000, `${connections[0]!.bytesRead} of ${bytes} bytes were read`)
  t.equal(begun, 1)

  first!.end()
  await until(() => begun === count, 'all have had their turn')
  t.ok(waitingMost < 200, `${waitingMost} waited at most`)
})
