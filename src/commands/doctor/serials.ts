import type pg from 'pg'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

const warnShare = 0.5
const failShare = 0.9

interface SequenceState {
  readonly type: string
  readonly used: string | null
}

const mostOf: Readonly<Record<string, number>> = { smallint: 32_767, integer: 2_147_483_647, bigint: Number.MAX_SAFE_INTEGER }

/** How much is left of the ids of api_key_usage: an integer column is full after 2.1 billion rows. */
export async function checkSerials (pool: pg.Pool): Promise<Finding[]> {
  const { rows: [state] } = await pool.query<SequenceState>(`
    select (select format_type(atttypid, null) from pg_attribute where attrelid = 'public.api_key_usage'::regclass and attname = 'id') as type,
           coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.api_key_usage', 'id')::regclass), 0)::text as used`)
  if (state === undefined || state.used === null) return []
  return [judgeSerial(Number(state.used), mostOf[state.type] ?? Number.MAX_SAFE_INTEGER)]
}

function judgeSerial (used: number, most: number): Finding {
  const share = used / most
  const detail = `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} % of the ids of api_key_usage are used`
  const remedy = 'Run: latchkey migrate up. It partitions usage by month, with ids that last, while gateways go on.'
  if (share >= failShare) return fail('Usage ids', detail, remedy)
  return share >= warnShare ? warn('Usage ids', detail, remedy) : ok('Usage ids', detail)
}
