import { Option } from 'commander'
import { UsageError } from '../../errors.ts'
import { pastTime } from '../arguments.ts'
import { complain } from '../fault.ts'

export interface PeriodOptions {
  readonly since: Date
  readonly until?: Date
}

/** `--since`, with a default of so many days. */
export function sinceOption (days: number, does = 'from then on: 12h, 7d, 2030-01-31, 2030-01-31T12:00:00Z'): Option {
  return new Option('--since <time>', does).argParser(pastTime).default(new Date(Date.now() - days * 86_400_000), `${days}d`)
}

export function untilOption (): Option {
  return new Option('--until <time>', 'and before then').argParser(pastTime).default(undefined, 'now')
}

export function checkedPeriod ({ since, until = new Date() }: PeriodOptions): { from: Date, to: Date } {
  if (since >= until) throw new UsageError('--since must be before --until.')
  return { from: since, to: until }
}

/** Which hours were counted is said beside the result, where it can't be taken for a part of it. */
export function tellPeriod ({ from, to }: { readonly from: Date, readonly to: Date }): void {
  complain(`${minute(from)} to ${minute(to)} UTC, in whole hours.`)
}

/** `2030-01-31 12:00`, in UTC. */
export function minute (time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ')
}
