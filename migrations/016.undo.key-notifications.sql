drop trigger latchkey_notify_insert on api_keys;
drop trigger latchkey_notify_update on api_keys;
drop trigger latchkey_notify_delete on api_keys;
drop trigger latchkey_notify_truncate on api_keys;
drop function latchkey.notify_key_change();
