import { randomInt } from 'node:crypto'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import type { Test } from 'tap'

/**
 * A transaction pooler: every client is lent the same one server connection, a query at a time. It speaks as much of
 * Postgres' protocol as that needs: start-up and simple queries, without TLS. Returns its URL.
 */
export async function startTransactionPooler (t: Pick<Test, 'teardown'>, url: string): Promise<string> {
  const shared = new pg.Client(url)
  await shared.connect()
  const server = net.createServer((socket) => serve(socket, shared))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.close()
    await shared.end()
  })
  const pooled = new URL(url)
  pooled.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return pooled.href
}

const ready = message('Z', Buffer.from('I'))

function serve (socket: net.Socket, shared: pg.Client): void {
  let received = Buffer.alloc(0)
  let hasStarted = false
  socket.on('error', () => {})
  socket.on('data', async (chunk) => {
    received = Buffer.concat([received, chunk])
    for (;;) {
      // The start-up message has no type byte.
      const typeBytes = hasStarted ? 1 : 0
      if (received.length < typeBytes + 4) return
      const end = typeBytes + received.readInt32BE(typeBytes)
      if (received.length < end) return
      const type = hasStarted ? received.toString('latin1', 0, 1) : 'start'
      const body = received.subarray(typeBytes + 4, end)
      received = received.subarray(end)
      hasStarted = true
      if (type === 'start') socket.write(Buffer.concat([message('R', int32(0)), message('K', Buffer.concat([int32(randomInt(2 ** 31)), int32(1)])), ready]))
      if (type === 'Q') socket.write(await answer(shared, body.toString('utf8', 0, body.length - 1)))
      if (type === 'X') socket.end()
    }
  })
}

async function answer (shared: pg.Client, sql: string): Promise<Buffer> {
  const { fields, rows, command } = await shared.query<unknown[]>({ text: sql, rowMode: 'array' })
  const description = Buffer.concat([int16(fields.length), ...fields.map(({ name, dataTypeID }) => Buffer.concat([
    Buffer.from(`${name}\0`), int32(0), int16(0), int32(dataTypeID), int16(-1), int32(-1), int16(0),
  ]))])
  const data = rows.map((row) => message('D', Buffer.concat([int16(row.length), ...row.map((value) => {
    const text = Buffer.from(String(value))
    return Buffer.concat([int32(text.length), text])
  })])))
  return Buffer.concat([message('T', description), ...data, message('C', Buffer.from(`${command}\0`)), ready])
}

function message (type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int32 (value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function int16 (value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}
