// The upstream of the soak: what it does is in the path. Its connections rest for a short while only, so that the
// gateway's pool keeps meeting stale ones.
import { createServer } from 'node:http'

const [port] = process.argv.slice(2)
const small = JSON.stringify({ ok: true, items: [1, 2, 3] })
const large = Buffer.alloc(1024 * 1024, 'x')
const piece = Buffer.alloc(4 * 1024, 'y')

const behaviours = {
  ok: (request, response) => request.resume().on('end', () => response.end(small)),
  large: (request, response) => request.resume().on('end', () => response.end(large)),
  500: (request, response) => request.resume().on('end', () => response.writeHead(500).end('failed')),
  slow: (request, response) => { setTimeout(() => response.end(small), 50 + Math.random() * 1_500) },
  early: (request, response) => { response.writeHead(413).end('no') },
  reset: request => { request.socket.resetAndDestroy() },
  truncated: (request, response) => {
    response.writeHead(200, { 'content-length': 10_000 })
    response.write(piece)
    setTimeout(() => response.destroy(), 5)
  },
  stream: (request, response) => {
    let left = 20
    const timer = setInterval(() => {
      response.write(piece)
      if (--left === 0) response.end()
    }, 20)
    response.on('close', () => clearInterval(timer))
  },
}

const server = createServer({ keepAliveTimeout: 1_500 }, (request, response) => {
  response.on('error', () => {})
  const behave = behaviours[request.url.split('/')[2]] ?? behaviours.ok
  behave(request, response)
})
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {})
  socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n')
  if (head.length > 0) socket.write(head)
  socket.pipe(socket)
})
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  process.exit(0)
})
