-- Only what the comment says is ours goes, and only while nothing else has come to refer to it.

do $$
begin
  if exists (
    select
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'auth' and c.relname = 'users'
      and pg_catalog.obj_description(c.oid, 'pg_class') like 'Made by Latchkey:%'
  ) then
    begin
      drop table auth.users;
    exception when dependent_objects_still_exist then
      raise notice 'auth.users stays: something else refers to it.';
    end;
  end if;

  if exists (
    select
    from pg_catalog.pg_namespace
    where nspname = 'auth' and pg_catalog.obj_description(oid, 'pg_namespace') like 'Made by Latchkey:%'
  ) then
    begin
      drop schema auth;
    exception when dependent_objects_still_exist then
      raise notice 'Schema auth stays: it holds something else.';
    end;
  end if;
end
$$;
