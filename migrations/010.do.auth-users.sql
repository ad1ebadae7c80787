-- auth.users is Supabase's. On any other Postgres this makes a stand-in, so that 011 can refer to it unchanged.

do $$
begin
  -- The catalog is asked rather than to_regclass('auth.users'), which raises an error for a role without USAGE on
  -- schema auth; and nothing at all is done where the table exists, because `create … if not exists` fails without
  -- CREATE on the schema even then.
  if exists (
    select
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'auth' and c.relname = 'users'
  ) then
    return;
  end if;

  if not exists (select from pg_catalog.pg_namespace where nspname = 'auth') then
    create schema auth;
    comment on schema auth is 'Made by Latchkey: stands in for Supabase Auth.';
  end if;

  create table auth.users (
    id uuid primary key default gen_random_uuid(),
    email text unique,
    created_at timestamp with time zone not null default now()
  );

  -- The comment is how everybody else (the undo of this file, `latchkey keys create`) knows that the table is ours
  -- to change.
  comment on table auth.users is 'Made by Latchkey: stands in for Supabase Auth.';
end
$$;
