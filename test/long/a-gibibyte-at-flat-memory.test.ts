import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { scrape } from '../support/scrape.ts'
import { startRawUpstream } from '../support/upstream.ts'

const bodyBytes = 1024 ** 3
// Far under the body, far over what the buffers of some connections need.
const growthBytesMax = 128 * 1024 ** 2
const piece = Buffer.alloc(256 * 1024)
for (let i = 0; i < piece.length; i++) piece[i] = i * 31 % 251

function * pieces (): Generator<Buffer> {
  for (let i = 0; i < bodyBytes / piece.length; i++) yield piece
}

async function digestOf (stream: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(stream, hash)
  return hash.digest('hex')
}

const whole = createHash('sha256')
for (const bytes of pieces()) whole.update(bytes)
const digest = whole.digest('hex')

const upstream = await startRawUpstream(t, (incoming, response) => {
  const isDownload = incoming.method === 'GET'
  const work = isDownload ? pipeline(Readable.from(pieces()), response) : digestOf(incoming).then(digest => { response.end(digest) })
  work.catch(() => response.destroy())
})
const gateways = await prepareGatewayProcesses(t, frontConfig(upstream.url, { route: 'bodyBytesMax: 2GiB' }))
const gateway = await gateways.start(t)
await exchange('GET') // warm
const residentBytes = async () => (await scrape(gateway.adminUrl)).get('process_resident_memory_bytes') ?? NaN
const startBytes = await residentBytes()

const directions = {
  down: () => exchange('GET'),
  'up, with a length': () => exchange('POST', { 'content-length': bodyBytes }),
  'up, in chunks': () => exchange('POST', { 'transfer-encoding': 'chunked' }),
}
for (const [direction, pass] of Object.entries(directions)) {
  t.test(`1 GiB ${direction} arrives whole, at flat memory`, async t => {
    const peak = watchPeak()
    t.equal(await pass(), digest)
    const peakBytes = await peak.stop()
    t.comment(`resident: ${mebibytes(startBytes)} MiB before, ${mebibytes(peakBytes)} MiB at the peak; ${peakOfProcess()}`)
    t.ok(peakBytes - startBytes < growthBytesMax, 'memory stays flat', { startBytes, peakBytes })
  })
}

/** Resolves with the digest of the body as it arrived at the other end. */
async function exchange (method: string, headers: Record<string, string | number> = {}): Promise<string> {
  const outgoing = request(gateway.url, { method, headers: { ...gateways.headers, ...headers } })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  if (method === 'GET') outgoing.end()
  else await pipeline(Readable.from(pieces()), outgoing)
  const [response] = await answered
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`)
  if (method === 'GET') return await digestOf(response)
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

function watchPeak (): { stop (): Promise<number> } {
  const state = { peakBytes: 0, isStopped: false }
  const watching = (async () => {
    do {
      state.peakBytes = Math.max(state.peakBytes, await residentBytes())
      await new Promise(resolve => setTimeout(resolve, 50))
    } while (!state.isStopped)
  })()
  return {
    async stop () {
      state.isStopped = true
      await watching
      return state.peakBytes
    },
  }
}

/** The kernel's own record, where it keeps one. */
function peakOfProcess (): string {
  try {
    return /VmHWM.*/.exec(readFileSync(`/proc/${gateway.cli.child.pid}/status`, 'utf8'))?.[0].replace(/\s+/g, ' ') ?? 'no VmHWM'
  } catch {
    return 'no VmHWM'
  }
}

function mebibytes (bytes: number): number {
  return Math.round(bytes / 1024 ** 2)
}
