import { send } from './http.ts'

/** The value of each series of a scrape, by its name and labels as exposed. */
export async function scrape (adminUrl: string): Promise<Map<string, number>> {
  const { text } = await send(`${adminUrl}/metrics`)
  const series = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const end = line.lastIndexOf(' ')
    series.set(line.slice(0, end), Number(line.slice(end + 1)))
  }
  return series
}

export interface UsageBooks {
  readonly recorded: number
  readonly recovered: number
  readonly written: number
  readonly dropped: number
  readonly waiting: number
  readonly spooled: number
}

/** Throws where a series is missing. */
export async function usageBooks (adminUrl: string): Promise<UsageBooks> {
  const series = await scrape(adminUrl)
  const valueOf = (name: string) => {
    const value = series.get(name)
    if (value === undefined) throw new Error(`${name} is missing`)
    return value
  }
  const rows = (result: string) => valueOf(`latchkey_usage_rows_total{result="${result}"}`)
  return {
    recorded: rows('recorded'),
    recovered: rows('recovered'),
    written: rows('written'),
    dropped: rows('dropped'),
    waiting: valueOf('latchkey_usage_waiting_rows'),
    spooled: valueOf('latchkey_usage_spooled_rows'),
  }
}

/** Rows that are not in the database yet. */
export function unwritten ({ waiting, spooled }: UsageBooks): number {
  return waiting + spooled
}

export function isBalanced ({ recorded, recovered, written, dropped, waiting, spooled }: UsageBooks): boolean {
  return recorded + recovered === written + dropped + waiting + spooled
}
