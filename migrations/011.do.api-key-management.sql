-- Migration 011: API Key Management
--
-- API keys for programmatic access, with scopes and a record of each use. Runs as it stands in Supabase's SQL editor
-- and on any PostgreSQL 14 or later that has auth.users. Where the tables exist already they stay as they are, and
-- only indexes that are missing are added. Follow it with `latchkey migrate up`: the later migrations close these
-- tables to Supabase's public API.

-- api_keys: one row a key. The key itself is shown once, when it is made, and stored only as a hash.
create table if not exists api_keys (
  id serial primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  key_hash varchar(255) not null,           -- bcrypt
  key_prefix varchar(20) not null,          -- the first 12 characters, for display
  name varchar(255) not null,
  description text,
  scopes text[] not null default '{}',      -- such as {inventory:read,tickets:write}
  is_active boolean not null default true,
  expires_at timestamp with time zone,      -- null: never
  last_used_at timestamp with time zone,    -- null: not yet
  created_at timestamp with time zone not null default now(),
  revoked_at timestamp with time zone       -- null: not revoked
);

create index if not exists idx_api_keys_user_id on api_keys (user_id);
create index if not exists idx_api_keys_key_hash on api_keys (key_hash);
create index if not exists idx_api_keys_is_active on api_keys (is_active);

-- api_key_usage: one row a request made with a key. It goes with its key.
create table if not exists api_key_usage (
  id serial primary key,
  api_key_id integer not null references api_keys (id) on delete cascade,
  endpoint varchar(255) not null,           -- the path, without its query
  method varchar(10) not null,
  status_code integer,
  ip_address inet,
  user_agent text,
  response_time_ms integer,
  created_at timestamp with time zone not null default now()
);

create index if not exists idx_api_key_usage_key_id on api_key_usage (api_key_id);
create index if not exists idx_api_key_usage_created_at on api_key_usage (created_at);

-- Verification queries. Each line says what to expect; `latchkey migrate verify` runs the like of them.
--
-- Both tables exist: 2 rows.
--   select table_name from information_schema.tables
--   where table_name in ('api_keys', 'api_key_usage') order by table_name;
--
-- The columns: 12 of api_keys, 9 of api_key_usage (more once the later migrations have run).
--   select table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
--   from information_schema.columns
--   where table_name in ('api_keys', 'api_key_usage') order by table_name, ordinal_position;
--
-- The indexes: idx_api_keys_user_id, idx_api_keys_key_hash, idx_api_keys_is_active, idx_api_key_usage_key_id and
-- idx_api_key_usage_created_at, beside those of the two primary keys.
--   select tablename, indexname, indexdef from pg_indexes
--   where tablename in ('api_keys', 'api_key_usage') order by tablename, indexname;
--
-- The foreign keys: api_keys.user_id to auth.users and api_key_usage.api_key_id to api_keys, both ON DELETE CASCADE.
--   select conrelid::regclass, conname, pg_get_constraintdef(oid) from pg_constraint
--   where contype = 'f' and conrelid in ('api_keys'::regclass, 'api_key_usage'::regclass);
--
-- Rollback: 011.undo.api-key-management.sql.
