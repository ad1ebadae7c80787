import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Transform } from 'node:stream'
import type { Test } from 'tap'

/** The same database as if its clock went wrong: every time in milliseconds that it answers is `aheadMs` later. */
export async function withWrongClock (t: Pick<Test, 'teardown'>, url: string, aheadMs: number): Promise<string> {
  const { hostname, port } = new URL(url)
  const server = createServer(client => {
    const database = connect(Number(port), hostname)
    // In latin1, so that no byte changes but the digits, which stay as many.
    const shift = new Transform({
      transform (chunk: Buffer, _encoding, done) {
        done(null, Buffer.from(chunk.toString('latin1').replace(/1[0-9]{12}(?=\.|\D)/g, digits => String(Number(digits) + aheadMs)), 'latin1'))
      },
    })
    client.pipe(database)
    database.pipe(shift).pipe(client)
    for (const socket of [client, database]) {
      socket.on('error', () => {})
      socket.on('close', () => { client.destroy(); database.destroy() })
    }
    t.teardown(() => { client.destroy() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const wrong = new URL(url)
  wrong.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return wrong.href
}
