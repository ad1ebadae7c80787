-- The log of changes goes with this.
drop trigger latchkey_audit_insert on api_keys;
drop trigger latchkey_audit_update on api_keys;
drop trigger latchkey_audit_delete on api_keys;
drop trigger latchkey_audit_truncate on api_keys;
drop trigger latchkey_audit_grace_update on latchkey.earlier_secrets;
drop trigger latchkey_audit_grace_delete on latchkey.earlier_secrets;
drop function latchkey.audit_key_rows();
drop function latchkey.audit_key_change();
drop function latchkey.audit_grace_change();
drop function latchkey.audited_key(uuid, text, text, text, text[], text, boolean, timestamptz, timestamptz, timestamptz, jsonb);
drop function latchkey.audited_difference(jsonb, jsonb);
drop trigger latchkey_audit_token on latchkey.admin_tokens;
drop trigger latchkey_audit_token_update on latchkey.admin_tokens;
drop function latchkey.audit_token_change();
drop function latchkey.current_actor();
drop table latchkey.audit;
drop function latchkey.refuse_audit_change();
