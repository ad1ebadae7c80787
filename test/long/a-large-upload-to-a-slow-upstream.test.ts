import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { send } from '../support/http.ts'
import { scrape } from '../support/scrape.ts'
import { startRawUpstream } from '../support/upstream.ts'

const mebibyte = 1024 ** 2
const bodyBytes = 200 * mebibyte
// Far under the body, far over what the buffers of a connection need.
const growthBytesMax = 128 * mebibyte
const bytesPerSecond = 20 * mebibyte
const piece = Buffer.alloc(256 * 1024, 'x')

function * pieces (): Generator<Buffer> {
  for (let i = 0; i < bodyBytes / piece.length; i++) yield piece
}

/** Reads no faster than `bytesPerSecond`. */
async function readSlowly (incoming: IncomingMessage): Promise<number> {
  const startMs = performance.now()
  let readBytes = 0
  for await (const chunk of incoming) {
    readBytes += (chunk as Buffer).length
    const aheadMs = readBytes / bytesPerSecond * 1000 - (performance.now() - startMs)
    if (aheadMs > 20) await delay(aheadMs)
  }
  return readBytes
}

const upstream = await startRawUpstream(t, (incoming, response) => {
  readSlowly(incoming).then(bytes => response.end(String(bytes))).catch(() => response.destroy())
})
const gateways = await prepareGatewayProcesses(t, frontConfig(upstream.url, { route: 'bodyBytesMax: 1GiB' }))
const gateway = await gateways.start(t)
const residentBytes = async () => (await scrape(gateway.adminUrl)).get('process_resident_memory_bytes') ?? NaN
await send(gateway.url, { method: 'POST', headers: gateways.headers, body: 'warm' })
const startBytes = await residentBytes()

for (const [framing, headers] of Object.entries({ 'with a length': { 'content-length': bodyBytes }, 'in chunks': { 'transfer-encoding': 'chunked' } })) {
  t.test(`200 MiB ${framing}, written as fast as they are taken, arrive at flat memory`, async t => {
    const outgoing = request(gateway.url, { method: 'POST', headers: { ...gateways.headers, ...headers } })
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
    const sending = pipeline(Readable.from(pieces()), outgoing).catch(() => outgoing.destroy())
    const sides = { isAnswered: false }
    answered.catch(() => {}).finally(() => { sides.isAnswered = true })
    let peakBytes = 0
    do {
      peakBytes = Math.max(peakBytes, await residentBytes())
      await delay(50)
    } while (!sides.isAnswered)
    await sending
    const [response] = await answered
    t.equal(response.statusCode, 200)
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    t.equal(text, String(bodyBytes))
    t.comment(`resident: ${Math.round(startBytes / mebibyte)} MiB before, ${Math.round(peakBytes / mebibyte)} MiB at the peak`)
    t.ok(peakBytes - startBytes < growthBytesMax, 'memory stays flat', { startBytes, peakBytes })
  })
}
