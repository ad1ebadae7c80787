import type pg from 'pg'

/** Keys expire, and usage is dated, by the gateway's clock; what people see in the database goes by the database's. */
const clockWarnMs = 2_000
const clockFailMs = 30_000

const rounds = 3

/**
 * How far the database's clock is ahead of this machine's (negative: behind), as far as the way of question and answer
 * doesn't explain it: the best of a few tries, so that a busy machine isn't taken for a wrong clock.
 */
export async function measureClockSkewMs (client: pg.ClientBase | pg.Pool): Promise<number> {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const sentMs = Date.now()
    const { rows } = await (client as pg.Pool).query<{ now_ms: number }>('select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms')
    const skewMs = clockSkewMs(sentMs, Date.now(), rows[0]?.now_ms ?? NaN)
    if (Math.abs(skewMs) < Math.abs(best)) best = skewMs
    if (best === 0) break
  }
  return best
}

/** 0 where the database's time lies between question and answer. */
export function clockSkewMs (sentMs: number, answeredMs: number, databaseMs: number): number {
  if (databaseMs < sentMs) return databaseMs - sentMs
  return databaseMs > answeredMs ? databaseMs - answeredMs : 0
}

/** Null where the clocks agree. */
export function clockFault (skewMs: number): { readonly detail: string, readonly remedy: string, readonly isGrave: boolean } | null {
  const apartMs = Math.abs(skewMs)
  if (apartMs < clockWarnMs) return null
  return {
    detail: `the database is ${(apartMs / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`,
    remedy: 'Let both machines take their time from NTP: keys expire by the gateway\'s clock.',
    isGrave: apartMs >= clockFailMs,
  }
}
