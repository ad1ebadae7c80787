import { scrape } from '../metrics.ts'

const withinMs = 60_000
/** A scrape costs the gateway some milliseconds of CPU, which are part of what is measured. */
const pollMs = 500

/** Resolves with the metrics once every row is written. */
export async function untilWritten (adminUrl: string): Promise<Map<string, number>> {
  const deadlineMs = Date.now() + withinMs
  while (true) {
    const series = await scrape(adminUrl)
    if (series.get('latchkey_usage_waiting_rows') === 0 && series.get('latchkey_usage_spooled_rows') === 0) return series
    if (Date.now() > deadlineMs) throw new Error(`usage rows still unwritten after ${withinMs} ms`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}
