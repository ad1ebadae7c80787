import type pg from 'pg'
import { type Verdict, verdict } from './verdict.ts'
import { wantedTriggers } from './wanted-schema.ts'

interface FoundTrigger {
  readonly name: string
  readonly table: string
  readonly state: string
  readonly calls: string
  readonly source_hash: string
}

/**
 * Whether changes of keys and of their earlier secrets are still announced and logged, and stale digests still cleared: each trigger
 * there, switched on for every session, and calling the function that the migration made.
 */
export async function triggerVerdicts (client: pg.ClientBase): Promise<Verdict[]> {
  const { rows } = await client.query<FoundTrigger>(`
    select t.tgname as name, case when n.nspname = 'latchkey' then 'latchkey.' else '' end || c.relname as table,
      t.tgenabled as state, pn.nspname || '.' || p.proname as calls,
      -- A checkout with CRLF made the same function.
      encode(sha256(convert_to(replace(p.prosrc, E'\\r', ''), 'UTF8')), 'hex') as source_hash
    from pg_trigger as t
    join pg_class as c on c.oid = t.tgrelid
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_proc as p on p.oid = t.tgfoid
    join pg_namespace as pn on pn.oid = p.pronamespace
    -- Names and not regclass, as schema latchkey may be closed to the role.
    where (t.tgrelid = to_regclass('api_keys') or (n.nspname = 'latchkey' and c.relname in ('earlier_secrets', 'audit', 'admin_tokens'))) and not t.tgisinternal`)
  return wantedTriggers.map((wanted) => verdict(`trigger ${wanted.name}`, faultOf(wanted, rows.find(({ name, table }) => name === wanted.name && table === wanted.table)), 'enabled'))
}

function faultOf ({ name, table, calls, sourceHash, madeBy }: typeof wantedTriggers[number], found: FoundTrigger | undefined): string | null {
  if (found === undefined) return `is missing. Make it again as in migrations/${madeBy}`
  // 'A': always, as migrated. 'O' doesn't fire where session_replication_role is replica, 'D' and 'R' don't anywhere else.
  if (found.state !== 'A') {
    return `${found.state === 'O' ? 'is skipped by sessions whose session_replication_role is replica' : 'is disabled'}. Run: alter table ${table} enable always trigger ${name}`
  }
  if (found.calls !== calls) return `calls ${found.calls} instead of ${calls}. Make it again as in migrations/${madeBy}`
  return found.source_hash === sourceHash ? null : `calls ${calls}, which was replaced by another function. Restore it from migrations/${madeBy}`
}
