import t from 'tap'
import { reportsOverTenMillionRows } from '../support/ten-million-rows.ts'

/** Every key uses every route and gets every status, so that few rows fall together in an hour or a day. */
await reportsOverTenMillionRows(t, {
  key: 'floor(1000 * power(r1, 4))',
  route: "'route-' || floor(10 * power(r2, 2))::int",
  status: '(array[200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 201, 204, 404, 429, 500, 503])[1 + floor(22 * r3)::int]',
  responseTimeMs: 'exp(r4 * r4 * 9)',
})
