import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Test } from 'tap'
import { until } from '../support/until.ts'

/** Listens on latchkey_keys. Call the returned function for the payloads since its last call, parsed. */
export async function listenForKeys (t: Pick<Test, 'teardown'>, url: string): Promise<() => Promise<unknown[]>> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  t.teardown(async () => await client.end())
  const payloads: string[] = []
  client.on('notification', ({ payload }) => payloads.push(payload ?? ''))
  await client.query('listen latchkey_keys')

  return async () => {
    // Notifications arrive in the order of their commits: once this one is here, all before it are.
    const last = JSON.stringify(randomUUID())
    await client.query('select pg_notify($1, $2)', ['latchkey_keys', last])
    await until(() => payloads.includes(last), 'the last notification')
    return payloads.splice(0).filter((payload) => payload !== last).map((payload) => JSON.parse(payload))
  }
}
