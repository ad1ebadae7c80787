drop table latchkey.installation;

alter table latchkey.usage_batches drop column rows_written, drop column deferred_ids, drop column is_split;

-- Only the columns that the migration added.
do $$
declare
  ours name;
begin
  for ours in
    select attname from pg_catalog.pg_attribute
    where attrelid = 'api_key_usage'::regclass and attname in ('request_bytes', 'response_bytes')
      and not attisdropped and col_description(attrelid, attnum) like 'Latchkey:%'
  loop
    execute format('alter table api_key_usage drop column %I', ours);
  end loop;
end
$$;
