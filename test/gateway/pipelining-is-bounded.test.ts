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
    }, () => {})
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

t.test('what waits is bounded over all connections: who sends a flood is cut off, who sends a few is not', async t => {
  let overflows = 0
  const turns = new Turns({ waitingInAllMax: 100, onOverflow: () => { overflows++ } })
  const firsts = new Map<Socket, ServerResponse>()
  const begun = new Map<Socket, number>()
  const server = createServer((request, response) => {
    const { socket } = request
    turns.take(socket, response, () => {
      begun.set(socket, (begun.get(socket) ?? 0) + 1)
      if (firsts.has(socket)) response.end()
      else firsts.set(socket, response)
    }, () => {})
  })
  const accepted: Socket[] = []
  server.on('connection', (socket: Socket) => accepted.push(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const sendMany = async (count: number): Promise<Socket> => {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    t.teardown(() => { client.destroy() })
    client.on('error', () => {}).resume().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count))
    const number = accepted.length
    await until(() => accepted.length > number && (firsts.has(accepted[number]!) || accepted[number]!.destroyed), 'it has arrived')
    return accepted[number]!
  }

  const few = await sendMany(10)
  for (let i = 1; i <= 3; i++) {
    const flood = await sendMany(2_000)
    await until(() => flood.destroyed, 'the flood is cut off')
    t.equal(overflows, i, 'counted once')
    t.equal(begun.get(flood), 1)
  }
  // Nothing of the floods is counted any more.
  const many = await sendMany(90)
  t.notOk(many.destroyed)
  for (const [socket, count] of [[few, 10], [many, 90]] as const) {
    firsts.get(socket)!.end()
    await until(() => begun.get(socket) === count, 'all have had their turn')
  }
  t.equal(overflows, 3)
})
