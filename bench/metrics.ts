import { request } from 'undici'

/** The value of each series of Latchkey's metrics, by its name and labels as exposed. */
export async function scrape (adminUrl: string): Promise<Map<string, number>> {
  const { body } = await request(`${adminUrl}/metrics`)
  const series = new Map<string, number>()
  for (const line of (await body.text()).split('\n')) {
    const end = line.lastIndexOf(' ')
    if (end > 0 && !line.startsWith('#')) series.set(line.slice(0, end), Number(line.slice(end + 1)))
  }
  return series
}
