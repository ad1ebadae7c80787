// The peer: undici.dispatch from node:http straight to the response; no key, no route, no record.
import { createServer } from 'node:http'
import { Pool } from 'undici'

const [port, upstream] = process.argv.slice(2)
const pool = new Pool(upstream, { connections: 128, pipelining: 1 })

const server = createServer((request, response) => {
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  const { host, connection, 'transfer-encoding': framing, ...headers } = request.headers
  pool.dispatch({ path: request.url, method: request.method, headers, body: hasBody ? request : null }, {
    onConnect () {},
    onHeaders (status, rawHeaders, resume) {
      const answerHeaders = []
      for (const piece of rawHeaders) answerHeaders.push(piece.latin1Slice())
      for (let i = answerHeaders.length - 2; i >= 0; i -= 2) {
        const name = answerHeaders[i].toLowerCase()
        if (name === 'connection' || name === 'keep-alive' || name === 'transfer-encoding') answerHeaders.splice(i, 2)
      }
      response.on('drain', resume)
      response.writeHead(status, answerHeaders)
      return true
    },
    onData (chunk) {
      return response.write(chunk)
    },
    onComplete () {
      response.end()
    },
    onError () {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    },
  })
})
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  pool.destroy()
})
