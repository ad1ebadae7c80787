import type { TestGateway } from './gateway.ts'
import { until } from './until.ts'

export interface StoredUsage {
  readonly api_key_id: number
  readonly endpoint: string
  readonly method: string
  readonly status_code: number
  readonly ip_address: string | null
  readonly user_agent: string | null
  readonly response_time_ms: number
  readonly created_at: Date
  readonly route: string | null
  readonly request_id: string | null
}

/** The rows of one endpoint, once there are `atLeast` of them, oldest first. */
export async function usageRows ({ database }: TestGateway, endpoint: string, atLeast = 1): Promise<StoredUsage[]> {
  let rows: StoredUsage[] = []
  await until(async () => {
    rows = (await database.pool.query<StoredUsage>('select *, host(ip_address) as ip_address from api_key_usage where endpoint = $1 order by id', [endpoint])).rows
    return rows.length >= atLeast
  }, `${atLeast} usage rows of ${endpoint}`)
  return rows
}
