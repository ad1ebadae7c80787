-- Tells every gateway at once about a change of the secrets that rotations replaced: NOTIFY on channel latchkey_keys with
-- the ids of the keys that they belong to, and the payloads of migration 016. Such a secret is a way to use its key, so
-- one that is added, ends earlier or later, or goes, changes what the gateways may answer.

-- Runs with the rights of whoever made the change, as in 016, and needs none beyond those.
create function latchkey.notify_earlier_secret_change() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
declare
  ids_max constant integer := 100; -- of 20 digits at most: far below the 8000 bytes that a payload may have
  -- Bookkeeping of the gateways themselves, which changes nothing about a verdict.
  silent_columns constant text[] := array['last_used_at', 'last_user_agent', 'key_lookup', 'pepper_id'];
  changed_ids bigint[];
  clears_negative boolean := true;
begin
  if tg_op = 'INSERT' then
    select array_agg(api_key_id) into changed_ids
    from (select distinct api_key_id from new_rows limit ids_max + 1) as changed;

  elsif tg_op = 'DELETE' then
    clears_negative := false;
    -- What has ended already is nobody's way in: clearing such rows away is no news.
    select array_agg(api_key_id) into changed_ids
    from (select distinct api_key_id from old_rows where expires_at > now() limit ids_max + 1) as changed;

  elsif tg_op = 'UPDATE' then
    -- A full join, because an UPDATE may change ids too. Whole rows are compared, so that a column added one day counts
    -- without a change here.
    select array_agg(api_key_id), bool_or(is_news) into changed_ids, clears_negative
    from (
      select api_key_id, bool_or(is_news) as is_news
      from (
        select
          unnest(array_remove(array[o.api_key_id, n.api_key_id], null)) as api_key_id,
          (o.id, o.api_key_id, o.key_hash, o.key_prefix) is distinct from (n.id, n.api_key_id, n.key_hash, n.key_prefix)
            or n.expires_at > o.expires_at as is_news
        from old_rows as o
        full join new_rows as n on n.id = o.id
        where to_jsonb(o) - silent_columns is distinct from to_jsonb(n) - silent_columns
      ) as named
      group by api_key_id
      limit ids_max + 1
    ) as changed;
  end if;

  if tg_op = 'TRUNCATE' or cardinality(changed_ids) > ids_max then
    perform pg_notify('latchkey_keys', '{"all": true}');
  elsif changed_ids is not null then
    perform pg_notify(
      'latchkey_keys',
      jsonb_build_object('ids', to_jsonb(changed_ids), 'clearNegative', clears_negative)::text
    );
  end if;
  return null;
end
$$;

-- One a statement, as on api_keys: ending a thousand grace periods is one notification.
create trigger latchkey_notify_earlier_insert
after insert on latchkey.earlier_secrets referencing new table as new_rows
for each statement execute function latchkey.notify_earlier_secret_change();

create trigger latchkey_notify_earlier_update
after update on latchkey.earlier_secrets referencing old table as old_rows new table as new_rows
for each statement execute function latchkey.notify_earlier_secret_change();

create trigger latchkey_notify_earlier_delete
after delete on latchkey.earlier_secrets referencing old table as old_rows
for each statement execute function latchkey.notify_earlier_secret_change();

create trigger latchkey_notify_earlier_truncate
after truncate on latchkey.earlier_secrets
for each statement execute function latchkey.notify_earlier_secret_change();

-- Also when session_replication_role is replica, which would skip ordinary triggers.
alter table latchkey.earlier_secrets enable always trigger latchkey_notify_earlier_insert;
alter table latchkey.earlier_secrets enable always trigger latchkey_notify_earlier_update;
alter table latchkey.earlier_secrets enable always trigger latchkey_notify_earlier_delete;
alter table latchkey.earlier_secrets enable always trigger latchkey_notify_earlier_truncate;
