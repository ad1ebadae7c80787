import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { runCli, startCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { readCsv } from '../usage/export/csv-reader.ts'
import { insertRows } from '../usage/export/support.ts'
import { createKeys } from '../usage/support.ts'

const { url, pool } = await createDatabase(t)
const cwd = t.testdir()
const env = { DATABASE_URL: url }
const [key] = await createKeys(pool, 1) as [number]
await insertRows(pool, [key], 20_000)

/** Inserts rows, some of them long before they are committed, until told to stop; then all are committed. */
async function insertMeanwhile (isOver: () => boolean): Promise<void> {
  for (let round = 0; !isOver(); round++) {
    const slow = await pool.connect()
    try {
      await slow.query('begin')
      await slow.query("insert into api_key_usage (api_key_id, endpoint, method, created_at) select $1, '/slow', 'GET', now() - interval '1 hour' from generate_series(1, 20)", [key])
      for (let quick = 0; quick < 3; quick++) {
        await pool.query("insert into api_key_usage (api_key_id, endpoint, method) select $1, '/quick', 'GET' from generate_series(1, 20)", [key])
      }
      await slow.query(round % 5 === 4 ? 'rollback' : 'commit')
    } finally {
      slow.release()
    }
    await delay(5)
  }
}

async function allIds (): Promise<number[]> {
  return (await pool.query('select id::float8 as id from api_key_usage order by api_key_usage.id')).rows.map(({ id }) => id)
}

for (const format of ['ndjson', 'csv'] as const) {
  t.test(`a file of ${format} whose export is killed again and again while rows arrive`, async t => {
    const file = path.join(cwd, `usage.${format}`)
    const args = ['usage', 'export', '--format', format, '--output', file, '--resume']
    const sizeOf = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0
    let isOver = false
    const inserting = insertMeanwhile(() => isOver)
    for (let kills = 0; kills < 3; kills++) {
      const child = startCli(args, { cwd, env })
      const before = sizeOf()
      let hasEnded = false
      const ended = once(child, 'close').then(() => { hasEnded = true })
      await until(() => hasEnded || sizeOf() > before, 'it writes or ends')
      child.kill('SIGKILL')
      await ended
    }
    isOver = true
    await inserting
    const { code, stderr } = await runCli(args, { cwd, env })
    t.equal(code, 0, stderr)
    sameIds(t, idsIn(file, format), await allIds())
  })
}

t.test('pages that are taken from the cursor on, while rows arrive and commit in any order', async t => {
  let isOver = false
  const inserting = insertMeanwhile(() => isOver)
  const ids: number[] = []
  let cursor = '0'
  const next = async (limit: string) => {
    const { code, stdout, stderr } = await runCli(['usage', 'export', '--cursor', cursor, '--limit', limit], { cwd, env })
    t.equal(code, 0, stderr)
    ids.push(...stdout.split('\n').slice(0, -1).map(line => JSON.parse(line).id as number))
    cursor = /--cursor (\d+)/.exec(stderr)?.[1] ?? ''
  }
  for (const limit of ['7', '20000', '100000']) await next(limit)
  isOver = true
  await inserting
  await next('100000')
  sameIds(t, ids, await allIds())
})

/** As texts: tap takes minutes to compare so many numbers. */
function sameIds (t: Test, ids: readonly number[], all: readonly number[]): void {
  t.equal(ids.length, all.length, 'no row is missing, and none is there twice')
  t.ok(ids.join() === all.join(), 'and all are in the order of arrival')
}

function idsIn (file: string, format: 'ndjson' | 'csv'): number[] {
  const text = readFileSync(file, 'utf8')
  if (format === 'csv') return readCsv(text).slice(1).map(([id]) => Number(id))
  return text.split('\n').slice(0, -1).map(line => JSON.parse(line).id)
}
