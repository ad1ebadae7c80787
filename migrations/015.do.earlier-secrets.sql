-- Secrets that a rotation replaced and that still work until their grace period ends. The key keeps its row in
-- api_keys, with its id, scopes and state; only what proves it is kept here.
create table latchkey.earlier_secrets (
  id bigint generated always as identity primary key,
  -- bigint fits tables whose ids are integer as well as bigint.
  api_key_id bigint not null references api_keys (id) on delete cascade,
  key_hash text not null,
  key_prefix text not null,
  key_lookup bytea unique,
  pepper_id text,
  -- Never open-ended: a grace period that doesn't end would make two keys of one.
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null default now(),
  -- Tell the owner whether something still uses the old secret, and what.
  last_used_at timestamp with time zone,
  last_user_agent text
);

-- Found like the keys themselves: by digest (unique above), else by prefix.
create index earlier_secrets_prefix on latchkey.earlier_secrets (rtrim(key_prefix, '.'));

-- Deleting a key looks here for its earlier secrets.
create index earlier_secrets_api_key_id on latchkey.earlier_secrets (api_key_id);

alter table latchkey.earlier_secrets enable row level security;
