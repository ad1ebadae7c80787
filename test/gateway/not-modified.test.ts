import { Agent, get, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { until } from '../support/until.ts'

t.test('a 304 may name the length of what it leaves out', async t => {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', () => socket.write('HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 200\r\n\r\n'))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const { url, headers, gateway } = await startFront(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)

  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const clientPorts = new Set<number | undefined>()
  for (let i = 0; i < 3; i++) {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent, headers }, resolve).once('error', reject)
    })
    clientPorts.add(answer.socket.localPort)
    t.equal(answer.statusCode, 304)
    t.match(answer.headers, { etag: '"a"', 'content-length': '200' })
    for await (const chunk of answer) t.fail('a body', { chunk })
  }
  const lines = () => gateway.logs.map(line => JSON.parse(line)).filter(line => line.msg === 'request')
  await until(() => lines().length === 3, 'three requests are logged')
  t.same(lines().map(({ status, failure }) => ({ status, failure })), Array.from({ length: 3 }, () => ({ status: 304, failure: undefined })))
  t.equal(clientPorts.size, 1, 'the connection stays')
})
