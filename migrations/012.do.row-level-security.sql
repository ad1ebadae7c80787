-- Closes the tables to everybody but their owner and roles that bypass row-level security (on Supabase: postgres and
-- service_role). Without this, Supabase's public API would serve them to every visitor.

-- With row-level security on and no policy, nobody else sees a row, whatever they are granted. Not forced: the owner,
-- as whom the gateway normally connects, is not meant to be locked out.
alter table api_keys enable row level security;
alter table api_key_usage enable row level security;
alter table latchkey.migrations enable row level security;

-- The second lock on the same door: Supabase's default privileges grant every new table in public to these roles.
do $$
declare
  visitor text;
  owned_sequence regclass;
begin
  foreach visitor in array array['anon', 'authenticated'] loop
    continue when not exists (select from pg_catalog.pg_roles where rolname = visitor);

    execute format('revoke all on table api_keys, api_key_usage from %I', visitor);
    execute format('revoke all on schema latchkey from %I', visitor);
    execute format('revoke all on all tables in schema latchkey from %I', visitor);

    -- The sequences behind the ids, whatever they are called: from serial ('a') or identity ('i') columns.
    for owned_sequence in
      select d.objid::regclass
      from pg_catalog.pg_depend as d
      join pg_catalog.pg_class as c on c.oid = d.objid and c.relkind = 'S'
      where d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
        and d.refobjid in ('api_keys'::regclass, 'api_key_usage'::regclass)
    loop
      execute format('revoke all on sequence %s from %I', owned_sequence, visitor);
    end loop;
  end loop;
end
$$;

-- What is granted to everybody is granted to those two as well.
revoke all on table api_keys, api_key_usage from public;
revoke all on schema latchkey from public;
