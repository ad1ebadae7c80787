import pg from 'pg'
import t from 'tap'
import { withLibpqTls } from '../../src/database/connection.ts'

t.test("a URL's sslmode means what it means to libpq", (t) => {
  const ssl = (query: string) => {
    const client = new pg.Client(withLibpqTls(`postgres://u@h/d${query}`))
    return 'ssl' in client ? client.ssl : undefined
  }
  const emitWarning = t.capture(process, 'emitWarning')

  t.equal(ssl(''), false)
  t.equal(ssl('?sslmode=disable'), false)
  t.match(ssl('?sslmode=require'), { rejectUnauthorized: false })
  t.match(ssl('?application_name=x&sslmode=require'), { rejectUnauthorized: false })
  t.strictSame(Object.keys(Object(ssl('?sslmode=verify-full'))), [])
  t.match(ssl('?sslmode=no-verify'), { rejectUnauthorized: false })
  t.strictSame(emitWarning(), [], 'without the warning that pg gives')
  t.strictSame(Object.keys(Object(ssl('?sslmode=require&uselibpqcompat=false'))), [], "an explicit choice of pg's own reading stays")
  t.throws(() => ssl('?sslmode=verify-ca'), /sslrootcert/)
  t.end()
})
