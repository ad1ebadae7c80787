-- Secrets in their grace period stop working with this; the keys' present secrets don't.
drop table latchkey.earlier_secrets;
