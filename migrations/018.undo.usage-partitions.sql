-- `latchkey migrate down` has made one plain table of the partitions by now.
drop function latchkey.make_usage_partitions(integer);
drop function latchkey.missing_usage_months(regclass, integer);
drop function latchkey.add_usage_partition(regclass, timestamp with time zone);
drop function latchkey.close_usage_partition(regclass, regclass);
drop function latchkey.partitioned_usage();
drop function latchkey.usage_partitions(regclass);
drop function latchkey.note_usage_change();
drop table latchkey.usage_changes;
drop table latchkey.usage_partitioning;
