import { join } from 'node:path'
import { Client } from 'undici'
import type { Bench } from '../bench.ts'
import { latenciesOf } from '../measure/percentiles.ts'
import type { Peer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { freePort, isListening, untilReady } from '../stage.ts'

/** The first of each series are dropped: they pay for connections and for code that wasn't run before. */
const dropped = 50

/** What the first request with a key costs its client, one after another, beside the same look-up with nothing around it. */
export async function measureFirstUse (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const { database, stage, options } = bench
  const count = options.isQuick ? 100 : 500
  const keys = await database.createKeys(count + dropped)
  const bcryptKeys = await database.createBcryptKeys(dropped + (options.isQuick ? 20 : 50))
  const series = new Map<string, number[]>()

  const bare = await startBareLookup(bench)
  series.set('look-up alone, over HTTP', await takenMs(bare.port, keys))
  await stage.end(bare.child)
  series.set('look-up alone, over pg', await database.roundTripsMs(count))
  const running = await peer.start(bench)
  try {
    series.set('first use, by digest', await takenMs(running.port, keys))
    series.set('cached', await takenMs(running.port, keys))
  } finally {
    await running.close()
  }
  const withoutPepper = await peer.start(bench, { env: { LATCHKEY_KEY_PEPPER: '' } })
  try {
    series.set('first use, by bcrypt at cost 10', await takenMs(withoutPepper.port, bcryptKeys))
  } finally {
    await withoutPepper.close()
  }
  const p50 = (name: string) => latenciesOf(series.get(name)!).p50Ms
  return [{
    scenario: 'first-use',
    title: 'First use of a key, one request after another',
    rows: [...series].map(([what, values]) => {
      const { p50Ms, p99Ms } = latenciesOf(values)
      return { what, 'p50 ms': rounded(p50Ms), 'p99 ms': rounded(p99Ms) }
    }),
    notes: [
      `First use by digest: ${(p50('first use, by digest') / p50('look-up alone, over HTTP')).toFixed(2)} × a look-up alone asked for by the same client over HTTP, ${(p50('first use, by digest') / p50('look-up alone, over pg')).toFixed(2)} × one over pg without HTTP (p50).`,
      `What it adds to a request with a cached key: ${((p50('first use, by digest') - p50('cached')) / p50('look-up alone, over pg')).toFixed(2)} × the look-up over pg.`,
    ],
    rounds: [Object.fromEntries(series)],
  }]
}

async function startBareLookup ({ stage, database }: Bench) {
  const port = await freePort()
  const child = stage.start('gateway', [process.execPath, join(import.meta.dirname, '../peers/bare-lookup.mjs'), String(port)], { ...process.env, DATABASE_URL: database.url })
  await untilReady(child, async () => await isListening(port))
  return { port, child }
}

/** Milliseconds of each request but the first ones. */
async function takenMs (port: number, keys: readonly string[]): Promise<number[]> {
  const client = new Client(`http://127.0.0.1:${port}`)
  const all: number[] = []
  try {
    for (const key of keys) {
      const startedAt = performance.now()
      const { statusCode, body } = await client.request({ path: '/inventory/items', method: 'GET', headers: { 'x-api-key': key } })
      await body.dump()
      all.push(performance.now() - startedAt)
      if (statusCode !== 200) throw new Error(`a first use was answered with ${statusCode}`)
    }
  } finally {
    await client.close()
  }
  return all.slice(dropped)
}
