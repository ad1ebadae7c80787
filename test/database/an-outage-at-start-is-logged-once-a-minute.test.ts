import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { awaitSchema, ensureSchema } from '../../src/database/schema-gate.ts'

t.test('the database is asked every second, and its absence is said once', async t => {
  let connections = 0
  const enough = new AbortController()
  const server = createServer(socket => {
    socket.destroy()
    if (++connections === 4) enough.abort()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const lines: string[] = []
  const logger = pino({}, new Writable({
    write (chunk, _encoding, callback) {
      lines.push(String(chunk))
      callback()
    },
  }))
  const options = { connectionString: `postgres://a@127.0.0.1:${(server.address() as AddressInfo).port}/b`, migrates: false, logger }

  t.equal(await ensureSchema(options), false)
  await t.rejects(awaitSchema(options, enough.signal), { name: 'AbortError' })
  t.equal(connections, 4)
  t.equal(lines.length, 1, lines.join(''))
  t.match(lines[0], 'the database cannot be reached')
})
