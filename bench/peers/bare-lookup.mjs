// The bare round trip to the database as an HTTP client sees it: node:http, one look-up through pg, an answer.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import pg from 'pg'

const [port] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
const server = createServer((request, response) => {
  const digest = createHash('sha256').update(String(request.headers['x-api-key'])).digest()
  pool.query({ name: 'look-up', text: 'select * from api_keys where key_lookup = $1', values: [digest] }).then(
    ({ rowCount }) => response.end(`{"rows":${rowCount}}`),
    err => response.writeHead(500).end(String(err))
  )
})
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  pool.end()
})
