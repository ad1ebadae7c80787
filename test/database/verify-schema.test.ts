import t from 'tap'
import { verifySchema } from '../../src/database/verify.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('a migrated database passes every check', async (t) => {
  const { url } = await createDatabase(t)
  t.strictSame((await verifySchema(url)).filter(({ ok }) => !ok), [])
})

t.test('an empty database lacks everything', async (t) => {
  const { url } = await createDatabase(t, { migrated: false })
  t.match(await verifySchema(url), [
    { name: 'migrations', ok: false, detail: /^pending: 010, 011, .* latchkey migrate up$/ },
    { name: 'table api_keys', ok: false, detail: 'is missing' },
    { name: 'table api_key_usage', ok: false, detail: 'is missing' },
  ])
})

const damages: [statement: string, name: string, detail: RegExp][] = [
  ['alter table api_keys drop column description', 'column api_keys.description', /^is missing/],
  ['alter table api_key_usage alter column ip_address type text', 'column api_key_usage.ip_address', /^is text, not inet$/],
  ['drop index idx_api_keys_user_id', 'index idx_api_keys_user_id', /^is missing/],
  ['drop index idx_api_keys_user_id; create index idx_api_keys_user_id on api_keys (name)', 'index idx_api_keys_user_id', /^is another one/],
  ['alter table api_keys drop constraint api_keys_user_id_fkey', 'foreign key api_keys.user_id', /auth\.users$/],
  [
    'alter table api_key_usage drop constraint api_key_usage_api_key_id_fkey, add foreign key (api_key_id) references api_keys (id)',
    'foreign key api_key_usage.api_key_id', /^lacks ON DELETE CASCADE$/,
  ],
  ['alter table api_keys disable row level security', 'row-level security on api_keys', /^is off/],
  ['alter table latchkey.earlier_secrets disable row level security', 'row-level security on latchkey.earlier_secrets', /^is off/],
  ['alter table latchkey.earlier_secrets disable trigger latchkey_notify_earlier_update', 'trigger latchkey_notify_earlier_update', /^is disabled\. Run: alter table latchkey\.earlier_secrets enable always trigger/],
  ['drop trigger latchkey_notify_earlier_insert on latchkey.earlier_secrets', 'trigger latchkey_notify_earlier_insert', /^is missing\. .*migrations\/020\./],
  ['drop trigger latchkey_notify_earlier_delete on latchkey.earlier_secrets', 'trigger latchkey_notify_earlier_delete', /^is missing/],
  ['drop trigger latchkey_notify_earlier_truncate on latchkey.earlier_secrets', 'trigger latchkey_notify_earlier_truncate', /^is missing/],
  ['alter table api_keys disable trigger latchkey_notify_update', 'trigger latchkey_notify_update', /^is disabled/],
  ['alter table api_keys enable trigger latchkey_notify_update', 'trigger latchkey_notify_update', /^is skipped .* enable always trigger/],
  ['drop trigger latchkey_clear_stale_digest on api_keys', 'trigger latchkey_clear_stale_digest', /^is missing\. .*migrations\/013\./],
  ['drop function latchkey.clear_stale_digest() cascade', 'trigger latchkey_clear_stale_digest', /^is missing\. /],
  [
    "create or replace function latchkey.clear_stale_digest() returns trigger language plpgsql as 'begin return new; end'",
    'trigger latchkey_clear_stale_digest', /was replaced by another function/,
  ],
  ['alter table api_keys disable trigger latchkey_audit_update', 'trigger latchkey_audit_update', /^is disabled\. Run: alter table api_keys enable always/],
  ['alter table latchkey.audit disable trigger latchkey_append_only', 'trigger latchkey_append_only', /^is disabled\. Run: alter table latchkey\.audit enable always/],
  ['drop trigger latchkey_audit_token on latchkey.admin_tokens', 'trigger latchkey_audit_token', /^is missing/],
  ['alter table api_key_usage add column tenant uuid not null', 'new rows of api_key_usage', /^are refused for want of tenant/],
  ['alter table api_key_usage alter column id drop default', 'new rows of api_key_usage', /^are refused for want of id/],
  ['alter table api_keys alter column revoked_at set not null', 'new rows of api_keys', /^are refused for want of revoked_at/],
]

for (const [statement, name, detail] of damages) {
  t.test(`notices: ${statement}`, async (t) => {
    const { url, pool } = await createDatabase(t)
    await pool.query(statement)
    const faults = (await verifySchema(url)).filter(({ ok }) => !ok)
    t.match(faults, [{ name, detail }])
    t.equal(faults.length, 1)
  })
}
