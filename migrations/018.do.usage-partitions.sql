-- What api_key_usage needs to be kept by month: functions that make the months ahead, and the bookkeeping of the
-- conversion. The conversion itself copies every row while gateways write; that is no matter for one transaction, so
-- `latchkey migrate up` does it after the migrations, as src/database/partitioning has it. Until then the table stays as
-- it is, and these functions do nothing.

-- The months are tables of schema latchkey, which Supabase's public API doesn't serve: latchkey.api_key_usage_2026_11
-- and so on, in UTC. Whatever fits none of them lands in latchkey.api_key_usage_default, so that no row is refused.

-- All functions name pg_temp last: where it isn't named, Postgres looks there first, and whoever may call a function
-- that acts with its owner's rights could put a table of their own in a catalog's place.

-- How far the conversion is, so that it can be killed at any moment and go on from there. No row: not begun.
create table latchkey.usage_partitioning (
  is_only boolean primary key default true check (is_only),
  phase text not null check (phase in ('copying', 'indexing', 'joining', 'dropping', 'done')),
  -- Every row up to last_id is to be copied in order of ids; those up to copied_to have been.
  copied_to bigint,
  last_id bigint,
  rows_copied bigint not null default 0,
  -- As it was estimated at the beginning.
  rows_total bigint not null default 0,
  started_at timestamp with time zone not null default now(),
  finished_at timestamp with time zone
);

alter table latchkey.usage_partitioning enable row level security;

-- Ids of the rows that were inserted, changed or deleted while the conversion goes on; null: TRUNCATE.
create table latchkey.usage_changes (
  id bigint
);

alter table latchkey.usage_changes enable row level security;

-- For the triggers that api_key_usage has during the conversion, and only then. Only ids are noted, and whoever
-- applies them reads the rows themselves afterwards: so it doesn't matter in what order transactions commit, nor what
-- their isolation level lets them see. Whoever may write usage must be able to note it.
create function latchkey.note_usage_change() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into latchkey.usage_changes (id) select id from new_rows;
  elsif tg_op = 'DELETE' then
    insert into latchkey.usage_changes (id) select id from old_rows;
  elsif tg_op = 'UPDATE' then
    insert into latchkey.usage_changes (id) select id from old_rows union select id from new_rows;
  else
    insert into latchkey.usage_changes (id) values (null);
  end if;
  return null;
end
$$;

-- The partitions of a table, with their bounds; null: of the default partition. UTC and ISO, so that what pg_get_expr
-- says can be read whatever the session's settings.
create function latchkey.usage_partitions(parent regclass)
returns table (partition regclass, lower_bound timestamp with time zone, upper_bound timestamp with time zone)
language sql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
  select c.oid::regclass,
    case when bounds[1] = 'MINVALUE' then '-infinity' else trim(both '''' from bounds[1])::timestamp with time zone end,
    case when bounds[2] = 'MAXVALUE' then 'infinity' else trim(both '''' from bounds[2])::timestamp with time zone end
  from pg_inherits as i
  join pg_class as c on c.oid = i.inhrelid and c.relispartition
  left join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$') as bounds on true
  where i.inhparent = parent
$$;

-- Null unless api_key_usage is partitioned, and by us: an owner may have partitions of a design of their own.
create function latchkey.partitioned_usage() returns regclass
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select c.oid::regclass
  from pg_class as c
  join pg_partitioned_table as p on p.partrelid = c.oid
  where c.oid = to_regclass('public.api_key_usage')
    and p.partdefid = to_regclass('latchkey.api_key_usage_default')
$$;

-- Makes the partition of the month that begins at `month`, with all that the parent has. It is attached and not created
-- in place, because that would lock out every writer; so only the default partition is locked.
create function latchkey.add_usage_partition(parent regclass, month timestamp with time zone) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  name constant text := 'api_key_usage_' || to_char(month, 'YYYY_MM');
  next_month constant timestamp with time zone := month + interval '1 month';
  columns text;
  has_strays boolean;
begin
  -- Rows get their values from the parent's defaults.
  execute format('create table latchkey.%I (like %s including all excluding defaults excluding identity excluding statistics)', name, parent);
  perform latchkey.close_usage_partition(format('latchkey.%I', name)::regclass, parent);

  -- What has landed in the default partition meanwhile moves, or the month could not be attached. To the triggers of
  -- others it looks like a deletion.
  execute format('select exists (select from latchkey.api_key_usage_default where created_at >= %L and created_at < %L)', month, next_month)
    into has_strays;
  if has_strays then
    lock table latchkey.api_key_usage_default in access exclusive mode;
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
    from pg_attribute
    where attrelid = parent and attnum > 0 and not attisdropped and attgenerated = '';
    execute format(
      'with moved as (delete from latchkey.api_key_usage_default where created_at >= %L and created_at < %L returning %s)
       insert into latchkey.%I (%3$s) select %3$s from moved', month, next_month, columns, name);
  end if;

  execute format('alter table %s attach partition latchkey.%I for values from (%L) to (%L)', parent, name, month, next_month);
end
$$;

-- Partitions are reached through their parent alone, whose owner they have: nobody is granted anything on them,
-- whatever default privileges say.
create function latchkey.close_usage_partition(partition regclass, parent regclass) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  table_owner regrole;
  identity "char";
  grantee text;
begin
  select relowner::regrole, relreplident into table_owner, identity from pg_class where oid = parent;
  execute format('alter table %s enable row level security', partition);
  if identity in ('f', 'n') then
    execute format('alter table %s replica identity %s', partition, case identity when 'f' then 'full' else 'nothing' end);
  end if;
  for grantee in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end
    from pg_class as c cross join aclexplode(c.relacl) as a
    where c.oid = partition and a.grantee <> c.relowner
  loop
    execute format('revoke all on table %s from %s', partition, grantee);
  end loop;
  if (select relowner::regrole <> table_owner from pg_class where oid = partition) then
    execute format('alter table %s owner to %s', partition, table_owner);
  end if;
end
$$;

-- Makes the months that are missing, from the present one to `months_ahead` later, and returns how many it made. Waits
-- for a lock no longer than writers can stand, and shorter than deadlock_timeout, so that of two that wait for each
-- other it is this one that gives up: SQLSTATE 55P03, nothing done, to be tried again later.
create function latchkey.make_usage_partitions(months_ahead integer) returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '900ms'
as $$
declare
  parent constant regclass := latchkey.partitioned_usage();
  missing timestamp with time zone[];
  month timestamp with time zone;
  referenced regclass;
begin
  missing := latchkey.missing_usage_months(parent, months_ahead);
  if missing is null then
    return 0;
  end if;

  -- In this order, as somebody who deletes a key comes from there to the partitions.
  for referenced in select distinct confrelid from pg_constraint where conrelid = parent and contype = 'f' order by 1 loop
    execute format('lock table %s in share row exclusive mode', referenced);
  end loop;
  execute format('lock table %s in share update exclusive mode', parent);
  -- Another gateway may have been quicker.
  missing := latchkey.missing_usage_months(parent, months_ahead);
  if missing is null then
    return 0;
  end if;

  foreach month in array missing loop
    perform latchkey.add_usage_partition(parent, month);
  end loop;
  return cardinality(missing);
end
$$;

-- Null where none is missing, or there is no such table.
create function latchkey.missing_usage_months(parent regclass, months_ahead integer) returns timestamp with time zone[]
language sql
volatile -- To see what was committed while the caller waited for a lock.
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
  select array_agg(month order by month)
  from generate_series(date_trunc('month', now()), date_trunc('month', now()) + months_ahead * interval '1 month', interval '1 month') as month
  where parent is not null and not exists (
    select from latchkey.usage_partitions(parent) as p where p.lower_bound < month + interval '1 month' and p.upper_bound > month
  )
$$;

-- A gateway's role that doesn't own the tables is granted EXECUTE on make_usage_partitions.
revoke all on function latchkey.note_usage_change() from public;
revoke all on function latchkey.usage_partitions(regclass) from public;
revoke all on function latchkey.partitioned_usage() from public;
revoke all on function latchkey.add_usage_partition(regclass, timestamp with time zone) from public;
revoke all on function latchkey.close_usage_partition(regclass, regclass) from public;
revoke all on function latchkey.make_usage_partitions(integer) from public;
revoke all on function latchkey.missing_usage_months(regclass, integer) from public;
