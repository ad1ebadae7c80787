-- What was counted of usage rows that were dropped since is lost with this.
drop table latchkey.usage_rollup;
drop table latchkey.usage_daily;
drop table latchkey.usage_hourly;
drop function latchkey.drop_usage_partitions(timestamp with time zone);
drop function latchkey.counted_usage_partitions(regclass, timestamp with time zone);
