import type pg from 'pg'
import { lackingRights } from '../../database/rights.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether the role of DATABASE_URL may do what the gateway does, and what `latchkey keys` and the admin API do beside it. */
export async function checkRights (pool: pg.Pool): Promise<Finding[]> {
  const { role, gateway, upkeep, keyManagement, adminApi } = await lackingRights(pool)
  const grants = (lacking: readonly string[]) => lacking.map(grant => `GRANT ${grant} TO "${role}";`).join(' ')
  return [
    gateway.length === 0
      ? ok('Rights', `${role} may read and write what the gateway needs`)
      : fail('Rights', `${role} lacks ${gateway.join('; ')}`, grants(gateway)),
    ...upkeep.length === 0
      ? []
      : [warn('Rights to keep usage by month', `${role} lacks ${upkeep.join('; ')}`, grants(upkeep))],
    ...keyManagement.length === 0
      ? []
      : [warn('Rights to manage keys', `${role} lacks ${keyManagement.join('; ')}`, `If keys are to be managed through this connection: ${grants(keyManagement)}`)],
    ...adminApi.length === 0
      ? []
      : [warn('Rights for the admin API', `${role} lacks ${adminApi.join('; ')}`, `If the admin API is to be used${keyManagement.length === 0 ? '' : ', beside the rights to manage keys'}: ${grants(adminApi)}`)],
  ]
}
