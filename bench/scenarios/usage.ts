import type { Bench } from '../bench.ts'
import { generate } from '../load/generator-client.ts'
import { cpuSeconds } from '../measure/cpu.ts'
import type { Peer } from '../peers/peer.ts'
import { rounded, type Section } from '../results.ts'
import { untilWritten } from '../usage/until-written.ts'
import { warmUp } from './warm-up.ts'

/** Usage that flows into Postgres: whether each request gives its row, and what the rows cost on both sides. */
export async function measureUsage (bench: Bench, peers: readonly Peer[]): Promise<Section[]> {
  const peer = peers.find(({ isLatchkey }) => isLatchkey)
  if (peer === undefined) return []
  const { database, stage, options } = bench
  const running = await peer.start(bench)
  try {
    await warmUp(bench, running)
    await untilWritten(running.adminUrl!)
    await database.clearUsage()
    const gatewayBefore = cpuSeconds(running.pid)
    const postgresBefore = cpuSeconds(database.pid)
    const outcome = await generate(stage, { port: running.port, keysFile: running.keysFile, keyHeader: running.keyHeader, localAddress: '127.0.0.1', connections: 64, path: '/inventory/items', pace: { kind: 'full', seconds: Math.max(3, options.seconds) } })
    const books = await untilWritten(running.adminUrl!)
    const gateway = cpuSeconds(running.pid)
    const postgres = cpuSeconds(database.pid)
    const rows = await database.usageRows()
    const postgresSeconds = postgres.own + postgres.helpers - postgresBefore.own - postgresBefore.helpers
    return [{
      scenario: 'usage',
      title: 'Usage rows into Postgres',
      rows: [{
        requests: outcome.requests,
        'rows in Postgres': rows,
        'dropped, ever': books.get('latchkey_usage_rows_total{result="dropped"}') ?? null,
        'requests/s': rounded(outcome.requests / outcome.seconds),
        'gateway CPU µs/request': rounded((gateway.own + gateway.helpers - gatewayBefore.own - gatewayBefore.helpers) * 1e6 / outcome.requests),
        'Postgres CPU µs/row': rounded(postgresSeconds * 1e6 / rows),
      }],
      notes: ["Load generator: this bench's own, which takes more of core 1 than wrk; Postgres is on core 1 too and isn't part of the gateway's figure."],
      rounds: [{ outcome, rows, postgresSeconds }],
    }]
  } finally {
    await running.close()
  }
}
