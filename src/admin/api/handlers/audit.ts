import type pg from 'pg'
import { readAuditLog } from '../../../audit/audit-log.ts'
import type { Handlers } from '../call.ts'

export function auditHandlers (pool: pg.Pool): Pick<Handlers, 'listAudit'> {
  return {
    async listAudit ({ query: { from, to, limit = 50, ...query } }) {
      return { body: await readAuditLog(pool, { ...query, limit, from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to) }) }
    },
  }
}
