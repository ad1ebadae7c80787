import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { sendRaw } from '../../support/http.ts'
import { startEngine } from './engine-alone.ts'

t.test('has its body, and the next answer of the connection its place', async t => {
  const server = createServer(socket => {
    socket.on('error', () => {}).on('data', bytes => {
      const path = bytes.toString().split(' ', 2)[1]!
      socket.write(`HTTP/1.1 200 OK\r\nExpect: 100-continue\r\n${path === '/dated' ? 'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n' : ''}Content-Length: ${path.length}\r\n\r\n${path}`)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const { url } = await startEngine(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const get = (path: string, lines = '') => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${lines}\r\n`
  for (const path of ['/undated', '/dated']) {
    const answers = (await sendRaw(url, get(path) + get(path, 'Connection: close\r\n'))).split(/(?=HTTP\/1\.1 )/)
    t.same(answers.map(answer => answer.slice(answer.indexOf('\r\n\r\n') + 4)), [path, path])
  }
})
