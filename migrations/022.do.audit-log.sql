-- Who changed what about keys, when and from where: written by triggers, in the change's own transaction, so that
-- straight SQL leaves a trace as well and no change without its entry can be committed.

create table latchkey.audit (
  id bigint generated always as identity primary key,
  at timestamp with time zone not null default now(),
  action text not null,
  -- No foreign key: the entries outlive their key.
  key_id bigint,
  key_prefix text,
  key_name text,
  actor_kind text not null,                 -- token, command or database
  actor_name text not null,
  -- The one thing about the actor that nobody can claim: kind, name, address and request id are what the session says.
  database_role text not null,
  address inet,
  request_id text,
  before jsonb,                             -- of a change only what is different; never a secret, nor what proves one
  after jsonb
);

create index audit_key_id on latchkey.audit (key_id, id);

alter table latchkey.audit enable row level security;

create function latchkey.refuse_audit_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'latchkey.audit is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end
$$;

create trigger latchkey_append_only
before update or delete on latchkey.audit
for each row execute function latchkey.refuse_audit_change();

create trigger latchkey_append_only_truncate
before truncate on latchkey.audit
for each statement execute function latchkey.refuse_audit_change();

alter table latchkey.audit enable always trigger latchkey_append_only;
alter table latchkey.audit enable always trigger latchkey_append_only_truncate;

-- Who makes the change at hand. A session may name its actor for a transaction, in the setting latchkey.actor:
-- {"kind": "token", "name": …, "address": …, "requestId": …}. What can't be read names nobody, and fails no change.
create function latchkey.current_actor(
  out kind text, out name text, out database_role text, out address inet, out request_id text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed jsonb;
begin
  -- session_user is who has logged in; SET ROLE, as PostgREST does it, is kept in a setting. current_user would be the
  -- owner of the function that asks.
  database_role := case current_setting('role') when 'none' then session_user::text else current_setting('role') end;
  address := inet_client_addr();
  begin
    claimed := nullif(current_setting('latchkey.actor', true), '')::jsonb;
    if claimed ->> 'kind' in ('token', 'command') and claimed ->> 'name' <> '' then
      kind := claimed ->> 'kind';
      name := left(claimed ->> 'name', 255);
      request_id := left(claimed ->> 'requestId', 128);
      address := coalesce((claimed ->> 'address')::inet, address);
    end if;
  exception when data_exception or program_limit_exceeded then
    null;
  end;
  if kind is null then
    kind := 'database';
    name := database_role;
  end if;
end
$$;

-- What the log tells of a key, under the names that the API has for it. A list of columns, as a hand-made table may have
-- others, with anything in them.
create function latchkey.audited_key(
  user_id uuid, key_prefix text, name text, description text, scopes text[], environment text, is_active boolean,
  expires_at timestamptz, created_at timestamptz, revoked_at timestamptz, metadata jsonb
) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'userId', user_id, 'prefix', key_prefix, 'name', name, 'description', description, 'scopes', to_jsonb(scopes),
    'environment', environment, 'isActive', is_active is true, 'expiresAt', expires_at, 'createdAt', created_at,
    'revokedAt', revoked_at, 'metadata', metadata)
$$;

-- The members of one object that are different in the other.
create function latchkey.audited_difference(one jsonb, other jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(member.key, member.value), '{}')
  from jsonb_each(one) as member
  where member.value is distinct from other -> member.key
$$;

-- Acts with its owner's rights: a role that may change keys need not be able to write the log, and nobody can who
-- doesn't change a key. One a statement: a bulk change costs one insert.
create function latchkey.audit_key_rows() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into latchkey.audit (action, key_id, key_prefix, key_name, actor_kind, actor_name, database_role, address, request_id, after)
    select 'key.created', r.id, r.key_prefix, r.name, a.kind, a.name, a.database_role, a.address, a.request_id,
      jsonb_strip_nulls(latchkey.audited_key(r.user_id, r.key_prefix, r.name, r.description, r.scopes::text[], r.environment,
        r.is_active, r.expires_at, r.created_at, r.revoked_at, r.latchkey_metadata))
    from new_rows as r cross join latchkey.current_actor() as a;

  elsif tg_op = 'DELETE' then
    insert into latchkey.audit (action, key_id, key_prefix, key_name, actor_kind, actor_name, database_role, address, request_id, before)
    select 'key.deleted', r.id, r.key_prefix, r.name, a.kind, a.name, a.database_role, a.address, a.request_id,
      jsonb_strip_nulls(latchkey.audited_key(r.user_id, r.key_prefix, r.name, r.description, r.scopes::text[], r.environment,
        r.is_active, r.expires_at, r.created_at, r.revoked_at, r.latchkey_metadata))
    from old_rows as r cross join latchkey.current_actor() as a;

  else
    insert into latchkey.audit (action, actor_kind, actor_name, database_role, address, request_id)
    select 'keys.truncated', a.kind, a.name, a.database_role, a.address, a.request_id
    from latchkey.current_actor() as a;
  end if;
  return null;
end
$$;

create function latchkey.audit_key_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  old_key jsonb;
  new_key jsonb;
  before_change jsonb;
  after_change jsonb;
begin
  if (old.id, old.user_id, old.key_hash, old.key_prefix, old.name, old.description, old.scopes, old.environment, old.is_active,
      old.expires_at, old.created_at, old.revoked_at, old.latchkey_metadata)
    is not distinct from
    (new.id, new.user_id, new.key_hash, new.key_prefix, new.name, new.description, new.scopes, new.environment, new.is_active,
      new.expires_at, new.created_at, new.revoked_at, new.latchkey_metadata)
  then
    return null;
  end if;
  old_key := latchkey.audited_key(old.user_id, old.key_prefix, old.name, old.description, old.scopes::text[],
    old.environment, old.is_active, old.expires_at, old.created_at, old.revoked_at, old.latchkey_metadata);
  new_key := latchkey.audited_key(new.user_id, new.key_prefix, new.name, new.description, new.scopes::text[],
    new.environment, new.is_active, new.expires_at, new.created_at, new.revoked_at, new.latchkey_metadata);
  before_change := latchkey.audited_difference(old_key, new_key);
  after_change := latchkey.audited_difference(new_key, old_key);
  if old.id is distinct from new.id then
    before_change := before_change || jsonb_build_object('id', old.id);
    after_change := after_change || jsonb_build_object('id', new.id);
  end if;
  if old.key_hash is distinct from new.key_hash then
    after_change := after_change || jsonb_build_object('secret', 'replaced', 'graceEndsAt', (
      select max(e.expires_at) from latchkey.earlier_secrets as e where e.api_key_id = old.id and e.key_hash = old.key_hash));
  end if;
  insert into latchkey.audit (action, key_id, key_prefix, key_name, actor_kind, actor_name, database_role, address, request_id, before, after)
  select
    case
      when old.revoked_at is null and new.revoked_at is not null then 'key.revoked'
      when old.key_hash is distinct from new.key_hash then 'key.rotated'
      when old.is_active and new.is_active is not true then 'key.disabled'
      when old.is_active is not true and new.is_active then 'key.enabled'
      else 'key.updated'
    end,
    new.id, new.key_prefix, new.name, a.kind, a.name, a.database_role, a.address, a.request_id, before_change, after_change
  from latchkey.current_actor() as a;
  return null;
end
$$;

create trigger latchkey_audit_insert
after insert on api_keys referencing new table as new_rows
for each statement execute function latchkey.audit_key_rows();

create trigger latchkey_audit_delete
after delete on api_keys referencing old table as old_rows
for each statement execute function latchkey.audit_key_rows();

create trigger latchkey_audit_truncate
after truncate on api_keys
for each statement execute function latchkey.audit_key_rows();

-- A row at a time, so that a gateway's own updates, of last_used_at and the digest, cost a comparison and no transition
-- table. Without a condition that names columns: these couldn't be altered any more.
create trigger latchkey_audit_update
after update on api_keys
for each row
execute function latchkey.audit_key_change();

-- Earlier secrets are ways to use a key. The beginning of a grace is told with its rotation, and by its time that it
-- ended by itself; told here is all else that lets a secret in, keeps one, or ends it.
create function latchkey.audit_earlier_secret() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  held_before jsonb;
  held_after jsonb;
begin
  if tg_op = 'TRUNCATE' then
    insert into latchkey.audit (action, actor_kind, actor_name, database_role, address, request_id, before)
    select 'key.grace_ended', a.kind, a.name, a.database_role, a.address, a.request_id, '{"ofKeys": "all"}'
    from latchkey.current_actor() as a;
    return null;
  end if;

  if tg_op <> 'INSERT' and old.expires_at > now() then
    held_before := jsonb_build_object('graceEndsAt', old.expires_at, 'secretPrefix', old.key_prefix);
  end if;
  if tg_op <> 'DELETE' and new.expires_at > now() then
    held_after := jsonb_build_object('graceEndsAt', new.expires_at, 'secretPrefix', new.key_prefix);
  end if;
  if held_before is null and held_after is null then
    return null;
  end if;
  if tg_op = 'UPDATE' and (old.api_key_id, old.key_hash) is distinct from (new.api_key_id, new.key_hash) then
    held_after := held_after || '{"secret": "replaced"}';
  end if;

  -- Without its key, nothing: the log has told that the key was deleted. What proves the key right now opens nothing new.
  insert into latchkey.audit (action, key_id, key_prefix, key_name, actor_kind, actor_name, database_role, address, request_id, before, after)
  select case when held_after is null then 'key.grace_ended' else 'key.grace_changed' end,
    k.id, k.key_prefix, k.name, a.kind, a.name, a.database_role, a.address, a.request_id, held_before, held_after
  from public.api_keys as k cross join latchkey.current_actor() as a
  where k.id = case when tg_op = 'DELETE' then old.api_key_id else new.api_key_id end
    and not (tg_op = 'INSERT' and k.key_hash = new.key_hash);
  return null;
end
$$;

create trigger latchkey_audit_earlier
after insert or delete on latchkey.earlier_secrets
for each row execute function latchkey.audit_earlier_secret();

-- Not when one is used, or given its digest.
create trigger latchkey_audit_earlier_update
after update on latchkey.earlier_secrets
for each row
when ((old.api_key_id, old.key_hash, old.key_prefix, old.expires_at) is distinct from (new.api_key_id, new.key_hash, new.key_prefix, new.expires_at))
execute function latchkey.audit_earlier_secret();

create trigger latchkey_audit_earlier_truncate
after truncate on latchkey.earlier_secrets
for each statement execute function latchkey.audit_earlier_secret();

-- Also when session_replication_role is replica, which would skip ordinary triggers.
alter table api_keys enable always trigger latchkey_audit_insert;
alter table api_keys enable always trigger latchkey_audit_update;
alter table api_keys enable always trigger latchkey_audit_delete;
alter table api_keys enable always trigger latchkey_audit_truncate;
alter table latchkey.earlier_secrets enable always trigger latchkey_audit_earlier;
alter table latchkey.earlier_secrets enable always trigger latchkey_audit_earlier_update;
alter table latchkey.earlier_secrets enable always trigger latchkey_audit_earlier_truncate;

-- The admin API's tokens: who may change keys at all.
create function latchkey.audit_token_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  old_token jsonb;
  new_token jsonb;
begin
  if tg_op = 'TRUNCATE' then
    insert into latchkey.audit (action, actor_kind, actor_name, database_role, address, request_id, before)
    select 'token.deleted', a.kind, a.name, a.database_role, a.address, a.request_id, '{"tokens": "all"}'
    from latchkey.current_actor() as a;
    return null;
  end if;
  if tg_op <> 'INSERT' then
    old_token := jsonb_build_object('token', old.name, 'prefix', old.token_prefix, 'rights', old.rights, 'expiresAt', old.expires_at, 'revokedAt', old.revoked_at);
  end if;
  if tg_op <> 'DELETE' then
    new_token := jsonb_build_object('token', new.name, 'prefix', new.token_prefix, 'rights', new.rights, 'expiresAt', new.expires_at, 'revokedAt', new.revoked_at);
  end if;
  if tg_op = 'UPDATE' and old.token_hash is distinct from new.token_hash then
    new_token := new_token || '{"secret": "replaced"}';
  end if;
  insert into latchkey.audit (action, actor_kind, actor_name, database_role, address, request_id, before, after)
  select
    case
      when tg_op = 'INSERT' then 'token.created'
      when tg_op = 'DELETE' then 'token.deleted'
      when old.revoked_at is null and new.revoked_at is not null then 'token.revoked'
      else 'token.updated'
    end,
    a.kind, a.name, a.database_role, a.address, a.request_id, jsonb_strip_nulls(old_token), jsonb_strip_nulls(new_token)
  from latchkey.current_actor() as a;
  return null;
end
$$;

create trigger latchkey_audit_token
after insert or delete on latchkey.admin_tokens
for each row execute function latchkey.audit_token_change();

-- Not when a token is used.
create trigger latchkey_audit_token_update
after update on latchkey.admin_tokens
for each row
when (
  (old.name, old.token_prefix, old.token_hash, old.rights, old.expires_at, old.revoked_at)
  is distinct from (new.name, new.token_prefix, new.token_hash, new.rights, new.expires_at, new.revoked_at)
)
execute function latchkey.audit_token_change();

create trigger latchkey_audit_token_truncate
after truncate on latchkey.admin_tokens
for each statement execute function latchkey.audit_token_change();

alter table latchkey.admin_tokens enable always trigger latchkey_audit_token_truncate;
alter table latchkey.admin_tokens enable always trigger latchkey_audit_token;
alter table latchkey.admin_tokens enable always trigger latchkey_audit_token_update;

-- Whoever could execute these could make a table of their own write into the log. Triggers fire all the same.
revoke all on function latchkey.audit_key_rows(), latchkey.audit_key_change(), latchkey.audit_earlier_secret(), latchkey.audit_token_change() from public;
