-- What a row of usage tells beyond the seed's columns, and what makes writing it twice harmless.

-- As in 013: a column that is there already is used as it stands, ours carry a comment. Nullable and without default,
-- so that a large table changes in an instant.
do $$
declare
  wanted record;
begin
  for wanted in
    select *
    from (values
      ('route', 'Latchkey: id of the route that the request matched.'),
      ('request_id', 'Latchkey: the x-request-id that the client saw; chosen by the client, so never unique.')
    ) as columns (name, remark)
  loop
    continue when exists (
      select from pg_catalog.pg_attribute
      where attrelid = 'api_key_usage'::regclass and attname = wanted.name and not attisdropped
    );
    execute format('alter table api_key_usage add column %I text', wanted.name);
    execute format('comment on column api_key_usage.%I is %L', wanted.name, wanted.remark);
  end loop;
end
$$;

-- A flush inserts its id here in the transaction that inserts its rows. When the connection breaks during COMMIT, the
-- gateway can't know whether it went through; trying again then meets the id, and nothing is written twice.
create table latchkey.usage_batches (
  batch_id uuid primary key,
  written_at timestamp with time zone not null default now()
);

-- For removing ids that are too old to be tried again.
create index usage_batches_written_at on latchkey.usage_batches (written_at);

alter table latchkey.usage_batches enable row level security;
