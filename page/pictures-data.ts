import pg from 'pg'

/** What `latchkey demo --json` prints. */
export interface Demo {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly adminToken: string
  readonly apiKey: string
  readonly databaseUrl: string
}

const keys = [
  { name: 'CI smoke tests', userId: 'grace@example.com', scopes: ['inventory:read', 'tickets:read'], environment: 'test', share: 2 },
  { name: 'Partner: Northwind', userId: 'partners@example.com', scopes: ['inventory:read'], expiresIn: '365d', share: 11 },
  { name: 'Nightly export', userId: 'grace@example.com', scopes: ['inventory:read', 'tickets:read'], share: 5 },
  { name: 'Mobile app', userId: 'mobile@example.com', scopes: ['inventory:read', 'tickets:*'], share: 18 },
  { name: 'Support desk', userId: 'ada@example.com', scopes: ['tickets:*'], share: 14 },
  { name: 'Storefront', userId: 'shop@example.com', scopes: ['inventory:read', 'tickets:write'], expiresIn: '90d', description: 'The shop’s servers, both regions.', share: 30 },
  { name: 'Warehouse sync', userId: 'ada@example.com', scopes: ['inventory:*'], expiresIn: '90d', description: 'Keeps the stock of both warehouses in step.', share: 20 },
] as const

/** Keys in every state, a month of usage, and one key in the grace of its rotation: `rotatingId`. */
export async function fill (demo: Demo): Promise<{ readonly rotatingId: number }> {
  const ids = new Map<string, number>()
  let storefrontKey = ''
  for (const { share, ...key } of keys) {
    const { key: secret, apiKey } = await post<{ key: string, apiKey: { id: number } }>('keys', key)
    ids.set(key.name, apiKey.id)
    if (key.name === 'Storefront') storefrontKey = secret
  }
  const rotatingId = ids.get('Storefront')!
  await post(`keys/${ids.get('Partner: Northwind')}/disable`)
  await post(`keys/${ids.get('CI smoke tests')}/revoke`)
  await post(`keys/${rotatingId}/rotate`, { gracePeriod: '7d' })

  const pool = new pg.Pool({ connectionString: demo.databaseUrl, max: 1 })
  for (const { name, share } of keys) await pool.query(usageSql, [ids.get(name), share])
  await pool.query("update api_keys set created_at = now() - (8 - id) * interval '19 days', last_used_at = now() - id * interval '7 minutes' where id = any($1)", [[...ids.values()]])
  await pool.end()

  // Some that are seen as they come, the refused among them.
  for (const key of [storefrontKey, storefrontKey, 'no-key', '']) {
    for (const method of ['GET', 'POST']) await fetch(`${demo.gatewayUrl}/inventory/items`, { method, headers: { 'user-agent': 'storefront/4.2', ...key !== '' && { 'x-api-key': key } } })
  }
  await untilSeen()
  return { rotatingId }

  /** Until the panel of the rotation has something to tell. */
  async function untilSeen (): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const { earlierSecrets: [secret] } = await call<{ earlierSecrets: { lastUsedAt: string | null }[] }>(`keys/${rotatingId}`)
      if (secret?.lastUsedAt != null) return
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }

  async function post<T> (path: string, body?: object): Promise<T> {
    return await call<T>(path, { method: 'POST', ...body && { body: JSON.stringify(body) }, headers: body ? { 'content-type': 'application/json' } : {} })
  }

  async function call<T> (path: string, { headers, ...init }: { method?: string, body?: string, headers?: Record<string, string> } = {}): Promise<T> {
    const response = await fetch(`${demo.adminUrl}/v1/${path}`, { ...init, headers: { authorization: `Bearer ${demo.adminToken}`, ...headers } })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return await response.json() as T
  }
}

// Days that are busier about noon, an hour of trouble yesterday or today, and no two hours alike, but the same each time.
const usageSql = `
  insert into api_key_usage (api_key_id, endpoint, method, status_code, response_time_ms, request_bytes, response_bytes, user_agent, route, created_at)
  select $1, '/inventory/items', 'GET',
    case when abs(hashint8(n)) % 1000 < trouble.errors then case when abs(hashint8(n + 7)) % 3 = 0 then 502 else 404 end else 200 end,
    6 + abs(hashint8(n + 1)) % 24 + case when abs(hashint8(n + 2)) % 20 = 0 then trouble.latency else 0 end,
    120, 3000 + abs(hashint8(n + 3)) % 4000, 'example/1.0',
    (array['read-inventory', 'read-inventory-list', 'read-tickets', 'read-ticket-list', 'write-tickets'])[1 + abs(hashint8(n + 4)) % (1 + abs(hashint8(n + 5)) % 5)],
    h.at + (abs(hashint8(n + 6)) % 3600) * interval '1 second'
  from generate_series(date_trunc('hour', now()) - interval '29 days', date_trunc('hour', now()) - interval '1 hour', interval '1 hour') as h (at)
  cross join lateral (select case when h.at = date_trunc('hour', now()) - interval '7 hours' then 90 else 12 end as errors, case when h.at = date_trunc('hour', now()) - interval '7 hours' then 160 else 40 end as latency) as trouble
  cross join lateral generate_series(1, ($2 * (0.35 + power(sin(pi() * (extract(hour from h.at) + 1) / 25), 2)) * (0.85 + (abs(hashint8(extract(epoch from h.at)::bigint)) % 30) / 100.0))::int) as g (i)
  cross join lateral (select (extract(epoch from h.at)::bigint + g.i * 101 + $1 * 7919) as n) as seed`
