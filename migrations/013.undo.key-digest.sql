drop trigger latchkey_clear_stale_digest on api_keys;
drop function latchkey.clear_stale_digest();
drop index latchkey_api_keys_prefix;
drop index latchkey_api_keys_key_lookup;

-- Only the columns that the migration added.
do $$
declare
  ours name;
begin
  for ours in
    select attname from pg_catalog.pg_attribute
    where attrelid = 'api_keys'::regclass and attname in ('environment', 'key_lookup', 'pepper_id')
      and not attisdropped and col_description(attrelid, attnum) like 'Latchkey:%'
  loop
    execute format('alter table api_keys drop column %I', ours);
  end loop;
end
$$;
