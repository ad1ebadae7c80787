import { partitioningStatus } from '../../database/partitioning/index.ts'
import type { DatabaseSession } from '../database-session.ts'
import { ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether usage is kept by month. A gateway works with a plain table, too, but it grows without an end. */
export async function checkPartitions ({ url }: DatabaseSession): Promise<Finding[]> {
  const { state, partitions } = await partitioningStatus(url)
  if (state === 'unavailable') return []
  if (state === 'foreign') return [ok('Usage by month', 'api_key_usage is partitioned by its owner')]
  if (state === 'partitioned') return [ok('Usage by month', `${partitions} partitions`)]
  const detail = state === 'plain' ? 'api_key_usage is not partitioned by month' : 'partitioning api_key_usage was begun and has not ended'
  return [warn('Usage by month', detail, 'Run, while gateways go on: latchkey migrate up')]
}
