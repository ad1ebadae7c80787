-- The admin API's own tokens stop working with this; LATCHKEY_ADMIN_TOKEN doesn't.
alter table api_keys drop column latchkey_metadata;
drop table latchkey.idempotent_requests;
drop table latchkey.admin_tokens;
