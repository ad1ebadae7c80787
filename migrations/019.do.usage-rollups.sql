-- What reports read: how many requests of a key, on a route, with a status, in an hour and in a day. A few rows stand for
-- thousands of api_key_usage, and stay for years, when those have long been dropped. The gateway fills both in one
-- transaction, from rows that it has not counted yet, whoever inserted them. Months of which all is counted can be dropped.

-- UTC's hours. A route that isn't known is '', and such a status 0, since a primary key takes no null.
create table latchkey.usage_hourly (
  -- bigint fits tables whose ids are integer as well as bigint.
  api_key_id bigint not null references api_keys (id) on delete cascade,
  hour timestamp with time zone not null,
  route text not null,
  status_code integer not null,
  requests bigint not null,
  request_bytes bigint not null,
  response_bytes bigint not null,
  -- Of those whose time is known, in milliseconds.
  response_ms bigint not null,
  -- How many took so many milliseconds, and more than the column before says. Null instead of 0: most are, and a null
  -- takes no room and next to no time to add up.
  ms_1 integer, ms_2 integer, ms_3 integer, ms_4 integer, ms_6 integer, ms_10 integer, ms_16 integer, ms_25 integer,
  ms_40 integer, ms_63 integer, ms_100 integer, ms_160 integer, ms_250 integer, ms_400 integer, ms_630 integer, ms_1000 integer,
  ms_1600 integer, ms_2500 integer, ms_4000 integer, ms_10000 integer, ms_30000 integer, ms_over integer,
  -- For a key over time; also what deleting a key looks in.
  primary key (api_key_id, hour, route, status_code)
) with (fillfactor = 90); -- Room on the page for the rows of the present hour, which are updated again and again.

-- For all keys over a time.
create index usage_hourly_hour on latchkey.usage_hourly (hour);

-- UTC's days. In a day, one bucket may come to more than an integer holds.
create table latchkey.usage_daily (
  api_key_id bigint not null references api_keys (id) on delete cascade,
  day timestamp with time zone not null,
  route text not null,
  status_code integer not null,
  requests bigint not null,
  request_bytes bigint not null,
  response_bytes bigint not null,
  response_ms bigint not null,
  ms_1 bigint, ms_2 bigint, ms_3 bigint, ms_4 bigint, ms_6 bigint, ms_10 bigint, ms_16 bigint, ms_25 bigint,
  ms_40 bigint, ms_63 bigint, ms_100 bigint, ms_160 bigint, ms_250 bigint, ms_400 bigint, ms_630 bigint, ms_1000 bigint,
  ms_1600 bigint, ms_2500 bigint, ms_4000 bigint, ms_10000 bigint, ms_30000 bigint, ms_over bigint,
  primary key (api_key_id, day, route, status_code)
) with (fillfactor = 90);

create index usage_daily_day on latchkey.usage_daily (day);

-- The rows of api_key_usage that both tables count: those with this id or one below. It moves in the transaction that
-- counts them, so that each is counted once. Whoever moves it holds this row locked.
create table latchkey.usage_rollup (
  rolled_up_to bigint not null default 0,
  rolled_up_at timestamp with time zone not null default '-infinity',
  is_only boolean not null default true unique check (is_only)
);

insert into latchkey.usage_rollup default values;

alter table latchkey.usage_hourly enable row level security;
alter table latchkey.usage_daily enable row level security;
alter table latchkey.usage_rollup enable row level security;

-- Drops each month that lies wholly before the given time and has been counted, and returns the names of those dropped.
-- Rows of the default partition that are older and counted go, too, some at a time. Locks as make_usage_partitions()
-- does.
create function latchkey.drop_usage_partitions(before timestamp with time zone) returns setof text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '900ms'
as $$
declare
  strays_max constant integer := 10000;
  parent constant regclass := latchkey.partitioned_usage();
  -- Whatever the caller's clock says: rows are being written into the present month.
  limit_time constant timestamp with time zone := least(before, now());
  old_partition regclass;
begin
  if parent is null or before is null then
    return;
  end if;
  if current_setting('transaction_isolation') not like 'read %' then
    raise exception 'drop_usage_partitions() must see what is committed while it waits for a lock'
      using hint = 'Call it in a transaction of isolation level read committed.';
  end if;

  -- One at a time: two that have looked, and so hold the months, would both wait for the other to let go.
  perform from latchkey.usage_rollup for update skip locked;
  if not found then
    return;
  end if;

  if cardinality(latchkey.counted_usage_partitions(parent, limit_time)) > 0 then
    -- The drop needs it anyway. What came until it was there, such as rows that had waited on a gateway's disk, is seen
    -- by the look behind it.
    execute format('lock table %s in access exclusive mode', parent);
    foreach old_partition in array latchkey.counted_usage_partitions(parent, limit_time) loop
      return next old_partition::text;
      execute format('drop table %s', old_partition);
    end loop;
  end if;

  delete from latchkey.api_key_usage_default
  where ctid = any (array(
    select ctid from latchkey.api_key_usage_default
    where created_at < limit_time and id <= (select rolled_up_to from latchkey.usage_rollup)
    limit strays_max
  ));
end
$$;

-- The months that lie wholly before the given time and have no row that is yet to be counted, the oldest first.
create function latchkey.counted_usage_partitions(parent regclass, before timestamp with time zone) returns regclass[]
language plpgsql
volatile -- To see what was committed while the caller waited for a lock.
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  partition regclass;
  is_counted boolean;
  counted regclass[] := '{}';
begin
  for partition in select p.partition from latchkey.usage_partitions(parent) as p where p.upper_bound <= before order by p.upper_bound loop
    execute format('select not exists (select from %s where id > (select rolled_up_to from latchkey.usage_rollup))', partition) into is_counted;
    if is_counted then
      counted := counted || partition;
    end if;
  end loop;
  return counted;
end
$$;

-- As for make_usage_partitions.
revoke all on function latchkey.drop_usage_partitions(timestamp with time zone) from public;
revoke all on function latchkey.counted_usage_partitions(regclass, timestamp with time zone) from public;
