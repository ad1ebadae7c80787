import { once } from 'node:events'
import t from 'tap'
import { startCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

for (const [signal, exitCode] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
  t.test(`${signal} while a command waits for a lock`, async t => {
    const { url, pool } = await createDatabase(t)
    const locker = await pool.connect()
    try {
      await locker.query('begin')
      await locker.query('lock table api_keys')
      const child = startCli(['keys', 'list'], { cwd: t.testdir(), env: { DATABASE_URL: url } })
      let stderr = ''
      child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
      await until(async () => {
        const { rowCount } = await pool.query("select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
        return rowCount === 1
      }, 'the command waits for the lock', { timeoutMs: 60_000 })
      child.kill(signal)
      // While the lock is still held: whoever interrupts a command doesn't wait for the database.
      const [code] = await once(child, 'close')
      t.equal(code, exitCode)
      t.equal(stderr, `Interrupted by ${signal}.\n`)
    } finally {
      locker.release(true)
    }
  })
}
