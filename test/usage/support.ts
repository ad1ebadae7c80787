import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import pg from 'pg'
import type { Pool } from 'pg'
import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Test } from 'tap'
import { createPool } from '../../src/database/pool.ts'
import type { EncodedRows } from '../../src/usage/encoded-rows.ts'
import { UsageRecorder } from '../../src/usage/recorder.ts'
import type { UsageRecorderOptions, UsageRow, UsageStats } from '../../src/usage/recorder.ts'
import { PostgresUsageStore } from '../../src/usage/stores/postgres.ts'

export function rowOf (keyId: number, more: Partial<UsageRow> = {}): UsageRow {
  return {
    keyId,
    route: 'read',
    endpoint: '/inventory/1',
    method: 'GET',
    statusCode: 200,
    ipAddress: '127.0.0.1',
    userAgent: 'test',
    responseTimeMs: 1,
    requestBytes: 0,
    responseBytes: 0,
    createdAtMs: Date.now(),
    requestId: randomUUID(),
    ...more,
  }
}

/** What a store is given, as what was recorded. */
export function decode ({ bytes }: EncodedRows): UsageRow[] {
  const rows: UsageRow[] = []
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    let textAt = at + 60
    const texts = Array.from({ length: 6 }, (_, text) => {
      const length = bytes.readUInt16BE(at + 48 + 2 * text)
      if (length === 0xffff) return null
      textAt += length
      return bytes.toString('utf8', textAt - length, textAt)
    })
    const [endpoint, method, ipAddress, userAgent, route, requestId] = texts
    rows.push({
      keyId: Number(bytes.readBigInt64BE(at + 8)),
      createdAtMs: bytes.readDoubleBE(at + 16),
      statusCode: bytes.readInt32BE(at + 40),
      responseTimeMs: bytes.readInt32BE(at + 44),
      requestBytes: Number(bytes.readBigInt64BE(at + 24)),
      responseBytes: Number(bytes.readBigInt64BE(at + 32)),
      endpoint: endpoint!,
      method: method!,
      ipAddress: ipAddress!,
      userAgent: userAgent!,
      route: route!,
      requestId: requestId!,
    })
  }
  return rows
}

/** Ids of new keys of a new user. */
export async function createKeys (pool: Pool, count: number): Promise<number[]> {
  const userId = randomUUID()
  await pool.query('insert into auth.users (id) values ($1)', [userId])
  const { rows } = await pool.query<{ id: number }>(`
    insert into api_keys (user_id, key_hash, key_prefix, name)
    select $1, 'hash ' || n, 'sk_test_0000', 'test ' || n from generate_series(1, $2::int) as n returning id`, [userId, count])
  return rows.map(({ id }) => id)
}

/** Somebody else's open transaction, with the statement done. Ended with the test at the latest. */
export async function openTransaction (t: Pick<Test, 'teardown'>, url: string, statement: string, values: unknown[]): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())
  await client.query('begin')
  await client.query(statement, values)
  return client
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly rows?: number
  readonly reason?: string
}

export function captureLog (): { logger: Logger, lines: LogLine[] } {
  const lines: LogLine[] = []
  const logger = pino({ level: 'trace' }, new Writable({
    write (chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)) as LogLine)
      done()
    },
  }))
  return { logger, lines }
}

/** Flushes only when told, unless options say otherwise. Closed with the test, at once. */
export function startRecorder (t: Pick<Test, 'teardown'>, options: Partial<UsageRecorderOptions> & Pick<UsageRecorderOptions, 'store'>) {
  const { logger, lines } = captureLog()
  const recorder = new UsageRecorder({ flushEveryMs: 3_600_000, flushRows: 1_000_000, logger, redact: (text) => text, ...options })
  t.teardown(() => recorder.close({ timeoutMs: 0 }))
  return { recorder, lines }
}

/** On the pool that the product uses. */
export function postgresStore (t: Pick<Test, 'teardown'>, url: string): PostgresUsageStore {
  const { logger } = captureLog()
  const pool = createPool({ connectionString: url, applicationName: 'test', connectionsMax: 4, queryTimeoutMs: 30_000, logger })
  t.teardown(() => pool.end())
  return new PostgresUsageStore(pool)
}

/** recorded + recovered = written + dropped + waiting + spooled. */
export function addsUp ({ recorded, recovered, written, dropped, waiting, spooled }: UsageStats): boolean {
  return recorded + recovered === written + dropped + waiting + spooled
}

export async function countRows (pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*)::int from api_key_usage')
  return rows[0]!.count
}
