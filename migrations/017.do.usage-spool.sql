-- What makes usage that waits on a gateway's disk safe to write after any crash, and how much each request carried.

-- As in 014: a column that is there already is used as it stands, ours carry a comment. Nullable and without default,
-- so that a large table changes in an instant.
do $$
declare
  wanted record;
begin
  for wanted in
    select *
    from (values
      ('request_bytes', 'Latchkey: bytes of the request''s body.'),
      ('response_bytes', 'Latchkey: bytes of the response''s body, as far as the client was sent it.')
    ) as columns (name, remark)
  loop
    continue when exists (
      select from pg_catalog.pg_attribute
      where attrelid = 'api_key_usage'::regclass and attname = wanted.name and not attisdropped
    );
    execute format('alter table api_key_usage add column %I bigint', wanted.name);
    execute format('comment on column api_key_usage.%I is %L', wanted.name, wanted.remark);
  end loop;
end
$$;

-- Whoever finds a batch's id here, its own attempt's or that of a process which died, has to know what became of the
-- batch: how many of its rows were written, of which keys none was because somebody held the key locked, and whether
-- it was split because one of its rows was refused. What is left of it then follows from its rows alone.
alter table latchkey.usage_batches
  add column rows_written integer,
  add column deferred_ids bigint[],
  add column is_split boolean not null default false;

-- Names this database wherever it is moved or restored to: what a gateway has spooled for one database must never be
-- written into another, where the same ids are other people's keys.
create table latchkey.installation (
  id uuid primary key default gen_random_uuid(),
  is_only boolean not null default true unique check (is_only)
);

insert into latchkey.installation default values;

alter table latchkey.installation enable row level security;
