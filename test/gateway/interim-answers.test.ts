import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'

const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n'
const timers = new Set<NodeJS.Timeout>()
const answers: Record<string, (socket: Socket) => void> = {
  '/hints': socket => socket.end(`${interim.repeat(3)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`),
  '/hints-only': socket => {
    const timer = setInterval(() => { socket.write(interim) }, 50)
    timers.add(timer)
    socket.once('close', () => {
      clearInterval(timer)
      timers.delete(timer)
    })
  },
}

const server = createServer(socket => {
  socket.on('error', () => {})
  socket.on('data', bytes => answers[bytes.toString().split(' ', 2)[1] ?? '']?.(socket))
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => { server.close() })
const { url, headers } = await startFront(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, { upstream: 'headersTimeout: 1s' })

t.test('interim answers before the real one are left out', async t => {
  t.match(await send(`${url}/hints`, { headers }), { status: 200, text: 'ok' })
})

t.test('interim answers alone do not hold a request beyond the time-out for headers', async t => {
  t.match(await send(`${url}/hints-only`, { headers }), { status: 504, code: 'upstream_timeout' })
  await until(() => timers.size === 0, 'the connection to the upstream is gone')
})
