import { countedUsage, Parameters, readMark } from './counted-usage.ts'
import type { Period } from './period.ts'
import type { Ask } from './snapshot.ts'

export interface UsedRoute {
  /** '' where no route is known. */
  readonly route: string
  readonly requests: number
}

/** By key, the routes that each of them used within whole hours, the most used first. Keys without a request are left out. */
export async function usedRoutes (ask: Ask, keyIds: readonly number[], period: Period): Promise<Map<number, UsedRoute[]>> {
  const byKey = new Map<number, UsedRoute[]>()
  if (keyIds.length === 0 || period.from >= period.to) return byKey
  const parameters = new Parameters()
  const counted = countedUsage(await readMark(ask), { period, filter: {}, keyIds, measures: ['requests'], parameters })
  for (const { key, route, requests } of await ask<UsedRoute & { key: string }>(usedRoutesSql(counted), parameters.values)) {
    const routes = byKey.get(Number(key))
    if (routes === undefined) byKey.set(Number(key), [{ route, requests }])
    else routes.push({ route, requests })
  }
  return byKey
}

function usedRoutesSql (counted: readonly string[]): string {
  return `
with counted as (
${counted.join('\nunion all\n')}
)
select api_key_id as key, route, pg_catalog.sum(requests)::float8 as requests
from counted
group by api_key_id, route
order by api_key_id, requests desc, route collate "C"`
}
