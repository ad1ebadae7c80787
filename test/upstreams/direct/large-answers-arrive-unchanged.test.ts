import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { until } from '../../support/until.ts'
import { startRawUpstream } from '../../support/upstream.ts'
import { startEngine } from './engine-alone.ts'

/** Different in every answer and at every place: a byte of another answer, or of another place, would show. */
function bodyOf (number: number, length: number): Buffer {
  const body = Buffer.allocUnsafe(length)
  let value = number * 2_654_435_761
  for (let i = 0; i + 4 <= length; i += 4) body.writeUInt32LE(value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0, i)
  body.fill(number, length - length % 4)
  return body
}

const lengths = [1, 8_191, 8_192, 65_536, 65_537, 300_001, 1_000_003]
const hashOf = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')
const sending: ServerResponse[] = []
const upstream = await startRawUpstream(t, (request, response: ServerResponse) => {
  sending.push(response)
  const [number, length, framing] = request.url!.slice(1).split('-').map(Number) as [number, number, number]
  const body = bodyOf(number, length)
  if (framing === 0) response.setHeader('content-length', length)
  response.flushHeaders()
  // In pieces of odd sizes, so that reads of one connection come between those of others.
  for (let at = 0; at < length; at += 50_021) response.write(body.subarray(at, at + 50_021))
  response.end()
})
const { url } = await startEngine(t, upstream.url)

/** Asks for an answer, whose body is read from `isRead` on, and looked at; `leaves`: only a part of it is. */
async function read (t: Test, number: number, length: number, { leaves = false, isRead = Promise.resolve() }: { leaves?: boolean, isRead?: Promise<void> } = {}): Promise<void> {
  const { hostname, port } = new URL(url)
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.write(`GET /${number}-${length}-${number % 2} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
    socket.on('error', reject).on('close', resolve).pause()
    isRead.then(() => socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (leaves && chunks.length > 2) socket.destroy()
    }).resume(), reject)
  })
  if (leaves) return
  const whole = Buffer.concat(chunks)
  const bodyStart = whole.indexOf('\r\n\r\n') + 4
  const body = whole.subarray(0, bodyStart).includes('chunked') ? unchunked(whole.subarray(bodyStart)) : whole.subarray(bodyStart)
  t.equal(hashOf(body), hashOf(bodyOf(number, length)), `answer ${number} of ${length} bytes`)
}

t.test('side by side, and beside some whose clients leave in the middle', async t => {
  await Promise.all(Array.from({ length: 70 }, async (_, i) => await read(t, i, lengths[i % lengths.length]!, { leaves: i % 5 === 4 })))
})

t.test('while they wait for clients that don\'t read for now', async t => {
  sending.length = 0
  let begin = (): void => {}
  const isRead = new Promise<void>(resolve => { begin = resolve })
  const reading = Promise.all([100, 101, 102, 103].map(async number => await read(t, number, 12_000_003, { isRead, leaves: number === 103 })))
  let looks = 0
  let lastBytes = 0
  await until(() => {
    const bytes = sending.reduce((sum, { writableLength }) => sum + writableLength, 0)
    looks = sending.length === 4 && bytes === lastBytes ? looks + 1 : 0
    lastBytes = bytes
    return looks === 20
  }, 'all of them are held up')
  await Promise.all([104, 105, 106].map(async number => await read(t, number, 1_000_003)))
  begin()
  await reading
})

function unchunked (bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at)
    const size = parseInt(bytes.toString('latin1', at, end), 16)
    if (size === 0) return Buffer.concat(parts)
    parts.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
