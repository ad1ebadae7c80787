import t from 'tap'
import { generateKey } from '../../src/keys/format.ts'
import { startGateway } from '../support/gateway.ts'
import { ask, host } from '../support/raw-http.ts'
import { send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('a reporting route lets through, and logs and counts what it would have refused', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: `
keys: { bcryptCost: 4, environments: [live] }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes:
  - { id: report, path: /report, methods: [GET], auth: report, scopes: [inventory:read], upstream: u }
`,
  })
  const { key, apiKey } = await gateway.createKey({ scopes: ['inventory:read'] })
  const inState = async (columns: string) => {
    const { key, apiKey } = await gateway.createKey({ scopes: ['inventory:read'] })
    await gateway.database.pool.query(`update api_keys set ${columns} where id = $1`, [apiKey.id])
    return { key, id: apiKey.id }
  }
  const [disabled, revoked, expired, unscoped] = [
    await inState('is_active = false'), await inState('revoked_at = now()'), await inState('expires_at = now()'), await inState("scopes = '{}'"),
  ]
  const byKey = (key: string) => [`x-api-key: ${key}`]

  const cases: [outcome: string, keyId: number | undefined, headers: string[]][] = [
    ['valid', apiKey.id, byKey(key)],
    ['valid', apiKey.id, [`Authorization: Bearer ${key}`]],
    ['missing_key', undefined, []],
    ['invalid_key', undefined, byKey('junk')],
    ['invalid_key', undefined, byKey(generateKey({ brand: 'sk', environment: 'live' }))],
    ['invalid_key', undefined, byKey(generateKey({ brand: 'sk', environment: 'test' }))],
    ['invalid_key', undefined, ['Authorization: Bearer the-upstreams-own']],
    ['key_disabled', disabled.id, byKey(disabled.key)],
    ['key_revoked', revoked.id, byKey(revoked.key)],
    ['key_expired', expired.id, byKey(expired.key)],
    ['insufficient_scope', unscoped.id, byKey(unscoped.key)],
    ['ambiguous_key', undefined, [...byKey(key), `Authorization: Bearer ${revoked.key}`]],
  ]
  for (const [outcome, keyId, headers] of cases) {
    const isValid = outcome === 'valid'
    const counted = isValid ? 'valid' : `reported_${outcome}`
    const before = await authCount(counted)
    gateway.logs.length = 0
    const seenBefore = upstream.seen.length
    const { status, text } = await ask(gateway.url, { target: '/report?q=1', headers: [host, ...headers] })
    t.equal(status, 200, `${outcome} is let through`)
    t.match(text, '{"ok":true}', 'to the upstream\'s own answer')
    t.equal(upstream.seen.length, seenBefore + 1)
    const { headers: seen } = upstream.seen.at(-1)!
    t.equal(seen['x-latchkey-key-id'], isValid ? String(apiKey.id) : undefined, 'only a valid key is vouched for')
    t.equal(seen['x-latchkey-scopes'], isValid ? 'inventory:read' : undefined)
    t.equal(seen['x-api-key'], undefined)
    t.equal(seen.authorization, headers.includes('Authorization: Bearer the-upstreams-own') ? 'Bearer the-upstreams-own' : undefined)

    t.equal(await authCount(counted), before + 1, `it counts as ${counted}`)
    await until(() => lines().length === 1, 'one line is logged')
    t.match(lines()[0], { route: 'report', status: 200, reported: isValid ? undefined : outcome, code: undefined, keyId })
  }

  t.equal((await ask(gateway.url, { method: 'POST', target: '/report' })).status, 405, 'what isn\'t about the key is refused')
  t.equal((await ask(gateway.url, { target: '/report', headers: [host, ...byKey(key), ...byKey(key)] })).status, 400)
  await until(async () => {
    const { rows } = await gateway.database.pool.query('select api_key_id as id, count(*)::int as uses from api_key_usage group by 1 order by 1')
    return JSON.stringify(rows) === JSON.stringify([{ id: apiKey.id, uses: 2 }, ...[disabled, revoked, expired, unscoped].map(({ id }) => ({ id, uses: 1 }))])
  }, 'usage has each key whose secret was proven')

  function lines (): { route?: string }[] {
    return gateway.logs.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  }

  async function authCount (outcome: string): Promise<number> {
    const { text } = await send(`${gateway.adminUrl}/metrics`)
    return Number(new RegExp(`^latchkey_auth_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  }
})
