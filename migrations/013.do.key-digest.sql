-- Lets a key be found by one index lookup, where bcrypt's salted hashes can't be looked up at all. key_hash stays
-- what proves a key; the digest can be lost or removed at any time and is written again on the key's next use.

-- A column that a hand-made table already has is used as it stands. Ours carry a comment, by which the undo knows
-- what to remove.
do $$
declare
  wanted record;
begin
  for wanted in
    select *
    from (values
      ('environment', 'text', 'Latchkey: the environment that the key is for, such as live or test.'),
      ('key_lookup', 'bytea', 'Latchkey: HMAC-SHA256 of the key under a pepper; null until the first use.'),
      ('pepper_id', 'text', 'Latchkey: the pepper that key_lookup was made with.')
    ) as columns (name, type, remark)
  loop
    continue when exists (
      select from pg_catalog.pg_attribute
      where attrelid = 'api_keys'::regclass and attname = wanted.name and not attisdropped
    );
    -- Nullable and without default: the catalog changes, no row is rewritten.
    execute format('alter table api_keys add column %I %s', wanted.name, wanted.type);
    execute format('comment on column api_keys.%I is %L', wanted.name, wanted.remark);
  end loop;
end
$$;

-- The query of every first use. Unique, so that one digest can never stand for two keys.
create unique index latchkey_api_keys_key_lookup on api_keys (key_lookup) where key_lookup is not null;

-- Keys without a digest are found by their prefix and proven by bcrypt. Some systems store the prefix as displayed,
-- with dots behind it ("sk_live_abc..."). The cast makes the expression the same for varchar and text.
create index latchkey_api_keys_prefix on api_keys (rtrim(key_prefix::text, '.'));

-- A digest speaks for one secret only. Whoever replaces key_hash, by straight SQL or through another program, must
-- not leave the old secret usable through the digest that belonged to it. An UPDATE that brings the new secret's
-- digest along keeps it.
create function latchkey.clear_stale_digest() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  if new.key_lookup is not distinct from old.key_lookup then
    new.key_lookup := null;
    new.pepper_id := null;
  end if;
  return new;
end
$$;

create trigger latchkey_clear_stale_digest
before update on api_keys
for each row
when (old.key_hash is distinct from new.key_hash)
execute function latchkey.clear_stale_digest();

-- Also when session_replication_role is replica, which would skip an ordinary trigger.
alter table api_keys enable always trigger latchkey_clear_stale_digest;
