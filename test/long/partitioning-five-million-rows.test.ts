import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import t from 'tap'
import { verifySchema } from '../../src/database/verify.ts'
import { createPlainUsage } from '../database/partitioning/plain-usage.ts'
import { send } from '../support/http.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { RunningCli } from '../support/process.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const rows = 5_000_000
const clients = 8
const probeEveryMs = 20
/** What a client of the database would call a hiccup: the wait for a lock, and a busy machine's slowness. */
const insertMaxMs = 5_000

t.setTimeout(1_200_000)

t.test('five million rows are partitioned under load, killed and resumed, and none is lost or doubled', async t => {
  const database = await createPlainUsage(t)
  const { url, pool, keyIds } = database
  const upstream = await startUpstream(t)
  const gateways = await prepareGatewayProcesses(t, `
usage: { flushEvery: 200ms }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: load, path: /load, upstream: u }]
`, database)
  // A year and a half of usage. Without the foreign key's checks, which would take most of the time.
  await pool.query(`
    begin; set local session_replication_role = replica;
    insert into api_key_usage (api_key_id, endpoint, method, status_code, ip_address, user_agent, response_time_ms, created_at)
    select ($1::int[])[1 + n % 10], '/inventory/' || n % 1000, 'GET', 200, '192.0.2.1', 'curl/8.5.0', n % 500, now() - interval '540 days' * (1 - n::float8 / ${rows})
    from generate_series(1, ${rows}) as n; commit`.replace('$1::int[]', `'{${keyIds.join(',')}}'::int[]`))
  const before = await checksum(pool)
  t.equal(before.count, rows)

  const gateway = await gateways.start(t)
  const load = { isRunning: true, answered: 0, failed: 0, probes: 0, probeMaxMs: 0, probeMaxSinceMs: 0 }
  const loops = [
    ...Array.from({ length: clients }, async () => {
      while (load.isRunning) {
        const { status } = await send(`${gateway.url}/load`, { headers: gateways.headers })
        if (status === 200) load.answered++
        else load.failed++
      }
    }),
    (async () => {
      while (load.isRunning) {
        const startedAtMs = performance.now()
        await pool.query("insert into public.api_key_usage (api_key_id, endpoint, method) values ($1, '/probe', 'GET')", [keyIds[0]])
        const tookMs = performance.now() - startedAtMs
        load.probes++
        load.probeMaxMs = Math.max(load.probeMaxMs, tookMs)
        load.probeMaxSinceMs = Math.max(load.probeMaxSinceMs, tookMs)
        await delay(probeEveryMs)
      }
    })(),
  ]
  await delay(3_000)
  t.comment(`before: the longest small insert took ${Math.ceil(load.probeMaxMs)} ms`)
  load.probeMaxMs = 0

  const startedAtMs = performance.now()
  const migrate = (): RunningCli => new RunningCli(t, ['migrate', 'up'], { cwd: t.testdirName, env: { DATABASE_URL: url } })
  t.testdir()
  const kills: [name: string, isReached: (progress: Progress) => boolean][] = [
    ['a quarter copied', ({ phase, copied }) => phase === 'copying' && copied > rows / 4],
    ['three quarters copied', ({ phase, copied }) => phase === 'copying' && copied > rows * 3 / 4],
    ['building indexes', ({ phase }) => phase === 'indexing'],
    ['applying changes', ({ phase }) => phase === 'joining'],
  ]
  for (const [name, isReached] of kills) {
    load.probeMaxSinceMs = 0
    const killed = migrate()
    await until(async () => killed.hasEnded || isReached(await progressOf(pool)), name, { timeoutMs: 600_000 })
    killed.child.kill('SIGKILL')
    const { signal } = await killed.ended()
    t.equal(signal, 'SIGKILL', `killed: ${name}`)
    t.comment(`${name}, after ${seconds(startedAtMs)} s: ${lastLine(killed)}; the longest small insert took ${Math.ceil(load.probeMaxSinceMs)} ms`)
  }
  load.probeMaxSinceMs = 0
  const last = migrate()
  t.strictSame(await last.ended(), { code: 0, signal: null }, last.stderr)
  t.comment(last.stdout)
  t.comment(`partitioned after ${seconds(startedAtMs)} s with ${kills.length} kills; the longest small insert took ${Math.ceil(load.probeMaxMs)} ms, ${Math.ceil(load.probeMaxSinceMs)} ms in the last part`)
  t.ok(load.probeMaxMs < insertMaxMs)

  await delay(2_000)
  load.isRunning = false
  await Promise.all(loops)
  gateway.cli.child.kill('SIGTERM')
  t.strictSame(await gateway.cli.ended(), { code: 0, signal: null })
  t.equal(load.failed, 0)

  t.strictSame(await checksum(pool), before, 'the same rows')
  const { rows: [written] } = await pool.query(`
    select count(*) filter (where endpoint = '/load')::int as load, count(*) filter (where endpoint = '/probe')::int as probes,
      count(distinct id)::int as ids, count(*)::int as all, count(distinct request_id) filter (where endpoint = '/load')::int as requests
    from api_key_usage where id > ${rows}`)
  t.strictSame(written, { load: load.answered, probes: load.probes, ids: load.answered + load.probes, all: load.answered + load.probes, requests: load.answered }, 'and what was written meanwhile, once each')
  t.comment(`${load.answered} requests and ${load.probes} small inserts beside`)
  t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
})

interface Progress { readonly phase: string | null, readonly copied: number }

async function progressOf (pool: pg.Pool): Promise<Progress> {
  const { rows: [progress] } = await pool.query('select phase, rows_copied::int as copied from latchkey.usage_partitioning')
  return progress ?? { phase: null, copied: 0 }
}

/** Of the rows that were there before: whichever type the id has, a row as text is the same. */
async function checksum (pool: pg.Pool): Promise<{ count: number, distinct: number, sum: string }> {
  const { rows: [row] } = await pool.query(`
    select count(*)::int as count, count(distinct id)::int as distinct, sum(hashtextextended(u::text, 0)::numeric)::text as sum
    from api_key_usage as u where id <= ${rows}`)
  return row
}

function lastLine ({ stdout }: RunningCli): string {
  return stdout.trim().split('\n').at(-1) ?? ''
}

function seconds (sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1_000).toFixed(1)
}
