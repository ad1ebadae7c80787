import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { Test } from 'tap'

/** A role that may log in and has no rights but those of everybody; dropped with what it owns when the test ends. */
export async function createRole (t: Pick<Test, 'teardown'>, { url, pool }: { readonly url: string, readonly pool: pg.Pool }): Promise<{ name: string, url: string }> {
  const name = `role_${randomBytes(6).toString('hex')}`
  await pool.query(`create role ${name} login password 'hunter2'`)
  t.teardown(async () => { await pool.query(`drop owned by ${name} cascade; drop role ${name}`) })
  const roleUrl = new URL(url)
  roleUrl.username = name
  roleUrl.password = 'hunter2'
  return { name, url: roleUrl.href }
}

/** What the gateway needs to check keys and to record their use, and no more. */
export function gatewayGrants (role: string): string {
  return `
    grant usage on schema public, latchkey to ${role};
    grant select, update (key_lookup, pepper_id, last_used_at) on public.api_keys to ${role};
    grant select, insert on public.api_key_usage to ${role};
    grant usage on sequence public.api_key_usage_id_seq to ${role};
    grant select, insert, update, delete on latchkey.usage_batches to ${role};
    grant select, update (key_lookup, pepper_id, last_used_at, last_user_agent) on latchkey.earlier_secrets to ${role};
    grant select, insert, update on latchkey.usage_hourly, latchkey.usage_daily to ${role};
    grant select, update on latchkey.usage_rollup to ${role};
    grant select on latchkey.installation to ${role};
    grant execute on function latchkey.make_usage_partitions(integer), latchkey.drop_usage_partitions(timestamptz) to ${role};`
}
