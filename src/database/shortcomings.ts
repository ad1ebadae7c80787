import type pg from 'pg'
import type { Logger } from 'pino'
import { clockFault, measureClockSkewMs } from './clock.ts'
import { lackingRights } from './rights.ts'
import { isStoreUnavailable } from './sqlstate.ts'
import type { Verdict } from './verdict.ts'
import { indexVerdicts, visibleRowsVerdict } from './verify.ts'
import { partitionedByMonth, partitionVerdicts } from './verify-partitions.ts'
import { triggerVerdicts } from './verify-triggers.ts'

/** Something about a migrated database that a gateway can start with and still would suffer from. */
interface Shortcoming {
  readonly check: string
  readonly detail: string
  readonly remedy: string
  /** Keys or usage don't work as they should; otherwise it is only slower than need be. */
  readonly isGrave: boolean
}

const restoreSchema = 'Mend it; `latchkey migrate verify` looks again.'
const sampleRows = 1_000

/** Logs each with what to do about it, once. False, having logged nothing, where the database couldn't be asked. */
export async function logShortcomings (pool: pg.Pool, pepperIds: readonly string[], logger: Logger): Promise<boolean> {
  try {
    for (const { check, detail, remedy, isGrave } of await findShortcomings(pool, pepperIds)) {
      logger[isGrave ? 'error' : 'warn']({ check, remedy }, `The database is not as it should be: ${check}: ${detail}`)
    }
    return true
  } catch (err) {
    if (isStoreUnavailable(err)) return false
    logger.warn({ err }, 'The database could not be examined; `latchkey doctor` says more')
    return true
  }
}

/**
 * What a gateway should complain of at its start: a few cheap questions, no look at all rows. `latchkey doctor` asks
 * more. Rejects where the database can't be asked.
 */
async function findShortcomings (pool: pg.Pool, pepperIds: readonly string[]): Promise<Shortcoming[]> {
  const { role, gateway: lacking, upkeep } = await lackingRights(pool)
  const shortcomings = [...rightsLacking('rights', role, lacking, true), ...rightsLacking('rights to keep usage by month', role, upkeep, false)]
  const clock = clockFault(await measureClockSkewMs(pool))
  if (clock !== null) shortcomings.push({ check: 'clock', ...clock })
  // Without it, nothing there can even be named.
  if (lacking.includes('USAGE ON SCHEMA public')) return shortcomings
  const client = await pool.connect()
  try {
    shortcomings.push(
      ...faultsOf([await visibleRowsVerdict(client)], true),
      ...faultsOf(await triggerVerdicts(client), true),
      ...faultsOf((await indexVerdicts(client)).filter(({ name }) => name.startsWith('index latchkey_')), false),
      ...faultsOf((await partitionVerdicts(client)).filter(({ name }) => name === partitionedByMonth), false)
    )
    // A role that may not read the keys has been told so above.
    if (lacking.length === 0 && pepperIds.length > 0) shortcomings.push(...await foreignPeppers(client, pepperIds))
  } finally {
    client.release()
  }
  return shortcomings
}

function rightsLacking (check: string, role: string, lacking: readonly string[], isGrave: boolean): Shortcoming[] {
  if (lacking.length === 0) return []
  return [{ check, detail: `${role} lacks ${lacking.join('; ')}`, remedy: lacking.map((grant) => `GRANT ${grant} TO "${role}";`).join(' '), isGrave }]
}

function faultsOf (verdicts: readonly Verdict[], isGrave: boolean): Shortcoming[] {
  return verdicts.filter(({ ok }) => !ok).map(({ name, detail }) => ({ check: name, detail, remedy: restoreSchema, isGrave }))
}

/** Among the newest rows: most of those digests being of other peppers means that the wrong one is set. */
async function foreignPeppers (client: pg.ClientBase, pepperIds: readonly string[]): Promise<Shortcoming[]> {
  const { rows } = await client.query<{ digests: number, foreign_digests: number }>(`
    select count(key_lookup)::int as digests,
      count(key_lookup) filter (where pepper_id is null or pepper_id <> all ($1::text[]))::int as foreign_digests
    from (select key_lookup, pepper_id from public.api_keys order by id desc limit ${sampleRows}) as newest`, [pepperIds])
  const { digests = 0, foreign_digests: foreign = 0 } = rows[0] ?? {}
  if (foreign === 0) return []
  return [{
    check: 'peppers',
    detail: `${foreign} of the newest ${digests} digests of keys were made with a pepper that is not listed: the next use of those keys costs a bcrypt comparison`,
    remedy: 'Add the earlier pepper behind the present one in LATCHKEY_KEY_PEPPER, if it was not dropped on purpose.',
    isGrave: false,
  }]
}
