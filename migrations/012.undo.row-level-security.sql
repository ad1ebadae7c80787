-- Row-level security goes off again, as 011 left it. The grants don't come back: whoever wants anon or authenticated
-- to reach these tables has to say so.
alter table api_keys disable row level security;
alter table api_key_usage disable row level security;
alter table latchkey.migrations disable row level security;
