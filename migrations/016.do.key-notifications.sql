-- Tells every gateway at once about a change of a key, made by anyone and by any means: NOTIFY on channel
-- latchkey_keys, sent by Postgres when the change commits. Payloads:
--   {"ids": [1, 2], "clearNegative": false}   drop what is cached about these keys; at most 100 ids
--   {"all": true}                             drop everything: a bulk change, or TRUNCATE
-- clearNegative is true where a key that was unknown until now may have become a known one.

-- Runs with the rights of whoever made the change: pg_notify is open to all, and a trigger's transition tables need no
-- privilege. It may touch no other table, or a role with rights on api_keys alone could no longer change it.
create function latchkey.notify_key_change() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
declare
  ids_max constant integer := 100; -- of 20 digits at most: far below the 8000 bytes that a payload may have
  -- Bookkeeping of the gateways themselves, which changes nothing about a verdict. A notification for each would have
  -- the gateways empty their own caches all the time.
  silent_columns constant text[] := array['last_used_at', 'key_lookup', 'pepper_id'];
  changed_ids bigint[];
  clears_negative boolean := true;
begin
  if tg_op = 'INSERT' then
    select array_agg(id) into changed_ids
    from (select id from new_rows limit ids_max + 1) as changed;

  elsif tg_op = 'DELETE' then
    clears_negative := false;
    select array_agg(id) into changed_ids
    from (select id from old_rows limit ids_max + 1) as changed;

  elsif tg_op = 'UPDATE' then
    -- A full join, because an UPDATE may change ids too: then both the old and the new one are named. Whole rows are
    -- compared, so that a column added one day counts without a change here.
    select array_agg(id), bool_or(is_news) into changed_ids, clears_negative
    from (
      select
        unnest(case when o.id = n.id then array[o.id] else array_remove(array[o.id, n.id], null) end) as id,
        (o.id, o.key_hash, o.key_prefix, o.environment)
          is distinct from (n.id, n.key_hash, n.key_prefix, n.environment) as is_news
      from old_rows as o
      full join new_rows as n on n.id = o.id
      where to_jsonb(o) - silent_columns is distinct from to_jsonb(n) - silent_columns
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

-- One a statement, not one a row: changing a thousand keys is one notification. Transition tables allow one event a
-- trigger.
create trigger latchkey_notify_insert
after insert on api_keys referencing new table as new_rows
for each statement execute function latchkey.notify_key_change();

create trigger latchkey_notify_update
after update on api_keys referencing old table as old_rows new table as new_rows
for each statement execute function latchkey.notify_key_change();

create trigger latchkey_notify_delete
after delete on api_keys referencing old table as old_rows
for each statement execute function latchkey.notify_key_change();

create trigger latchkey_notify_truncate
after truncate on api_keys
for each statement execute function latchkey.notify_key_change();

-- Also when session_replication_role is replica, which would skip ordinary triggers.
alter table api_keys enable always trigger latchkey_notify_insert;
alter table api_keys enable always trigger latchkey_notify_update;
alter table api_keys enable always trigger latchkey_notify_delete;
alter table api_keys enable always trigger latchkey_notify_truncate;
