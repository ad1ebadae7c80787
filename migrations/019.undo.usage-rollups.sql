-- What was counted of usage rows that were dropped since is lost with this.
drop table latchkey.usage_rollup;
drop table latchkey.usage_daily;
drop table latchkey.usage_hourly;
