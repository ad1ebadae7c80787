-- What the admin API keeps: its tokens, and the answers that it owes whoever asks twice.

-- A token is made of 190 random bits, so that its SHA-256 gives it away to nobody; shown once, like a key.
create table latchkey.admin_tokens (
  id bigint generated always as identity primary key,
  name text not null,
  token_prefix text not null,
  token_hash bytea not null unique,
  rights text not null check (rights in ('read', 'write')),
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone
);

-- The log names tokens: of those in force, no two are called alike.
create unique index admin_tokens_name on latchkey.admin_tokens (name) where revoked_at is null;
create index admin_tokens_prefix on latchkey.admin_tokens (token_prefix);

alter table latchkey.admin_tokens enable row level security;

-- A request with an Idempotency-Key that is sent again gets the first one's answer, new key included, and makes no
-- second key. The answer is encrypted under a key made of the token and the Idempotency-Key, neither of which is kept
-- here: whoever reads this table reads no key. Kept for a day.
create table latchkey.idempotent_requests (
  id bytea primary key,
  request_digest bytea not null,
  -- Null only within the transaction that makes the change.
  answer bytea,
  created_at timestamp with time zone not null default now()
);

create index idempotent_requests_created_at on latchkey.idempotent_requests (created_at);

alter table latchkey.idempotent_requests enable row level security;

-- What the owner's programs keep beside a key; an object. Named so that no column of a hand-made table is meant.
alter table api_keys add column latchkey_metadata jsonb;
comment on column api_keys.latchkey_metadata is 'Latchkey: what the API was given to keep beside the key.';
