import t from 'tap'
import { reportsOverTenMillionRows } from '../support/ten-million-rows.ts'

/** A few keys have most requests; each uses four routes, mostly one, and few requests fail. */
await reportsOverTenMillionRows(t, {
  key: 'floor(1000 * power(r1, 4))',
  route: "'route-' || (key * 31 + floor(power(r2, 2) * 4)::int * 17) % 40",
  status: 'case when r3 < 0.85 then 200 when r3 < 0.95 then 201 when r3 < 0.98 then 404 when r3 < 0.99 then 400 when r3 < 0.995 then 429 when r3 < 0.998 then 500 else 503 end',
  responseTimeMs: '2 + key * 7 % 40 + exp(r4 * r2 * 7)',
})
