import pino from 'pino'
import type { Test } from 'tap'
import { Listener } from '../../src/database/listener.ts'
import type { TestDatabase } from '../support/postgres.ts'

export const channel = 'things_changed'

export interface Listening {
  readonly listener: Listener
  readonly payloads: string[]
  connected: number
}

/** A started listener that notes what it hears, and is closed with the test. */
export function startListener (t: Pick<Test, 'teardown' | 'passing' | 'comment'>, connectionString: string, heartbeatMs = 200): Listening {
  const said: string[] = []
  const listening: Listening = {
    listener: new Listener({
      connectionString,
      channel,
      heartbeatMs,
      logger: pino({ level: 'debug' }, { write: (line) => { said.push(line) } }),
      onNotification: (payload) => { listening.payloads.push(payload) },
      onConnected: () => { listening.connected++ },
    }),
    payloads: [],
    connected: 0,
  }
  t.teardown(async () => {
    await listening.listener.close()
    if (!t.passing()) t.comment(said.join(''))
  })
  listening.listener.start()
  return listening
}

export async function notify ({ pool }: TestDatabase, payload: string): Promise<void> {
  await pool.query('select pg_notify($1, $2)', [channel, payload])
}
