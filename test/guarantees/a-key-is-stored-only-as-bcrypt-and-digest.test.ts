import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import bcrypt from 'bcrypt'
import type pg from 'pg'
import t from 'tap'
import { checksumOf, generateKey } from '../../src/keys/format.ts'
import { runCli } from '../support/cli.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { ask, host } from '../support/raw-http.ts'
import { runFolder } from '../support/run.ts'
import { until } from '../support/until.ts'
import { startUpstream } from '../support/upstream.ts'

const prefixLength = 'sk_live_'.length + 4

for (const isPeppered of [true, false]) {
  t.test(isPeppered ? 'with a pepper' : 'without a pepper', async t => {
    const upstream = await startUpstream(t)
    const gateway = await startGateway(t, {
      config: `
upstreams: { inventory: { targets: ["${upstream.url}"] } }
routes:
  - { id: inventory, path: /inventory/*, upstream: inventory, scopes: [inventory:read] }
  - { id: report, path: /report/*, upstream: inventory, auth: report }
  - { id: public, path: /public/*, upstream: inventory, auth: none }
`,
      ...(isPeppered ? {} : { pepper: null }),
    })
    const { pool } = gateway.database
    const made = await gateway.createKey({ scopes: ['inventory:*'] })
    const cli = await runCli(['keys', 'create', '--user', 'ada@example.com', '--name', 'cli', '--scope', 'inventory:*'], {
      cwd: t.testdir(),
      env: {
        DATABASE_URL: gateway.database.url,
        LATCHKEY_CONFIG: gateway.configFile,
        ...(isPeppered ? { LATCHKEY_KEY_PEPPER: gateway.pepper.toString('hex') } : {}),
      },
    })
    const cliKey = cli.stdout.trim()
    t.match(cliKey, /^sk_live_[0-9A-Za-z]{38}$/)
    const keys = [made.key, cliKey]

    for (const key of keys) await useInEveryWay(key)
    await pool.query('update api_keys set revoked_at = now() where id = $1', [made.apiKey.id])
    await until(async () => (await send(`${gateway.url}/inventory/1`, { headers: { 'x-api-key': made.key } })).code === 'key_revoked', 'the key is revoked')
    const metrics = (await send(`${gateway.adminUrl}/metrics`)).text
    await gateway.server.close()

    const { rows } = await pool.query('select key_hash, key_lookup, user_agent, endpoint, request_id from api_keys join api_key_usage on api_key_id = api_keys.id')
    t.ok(rows.length > 20, 'usage was written')
    t.ok(rows.some(row => row.endpoint.startsWith('/inventory/sk_live_')), 'a key in the path was redacted, not the whole path')
    t.ok(rows.some(row => row.user_agent?.startsWith('curl sk_live_')), 'and in the user agent')
    const { rows: stored } = await pool.query('select id, key_hash, key_lookup from api_keys order by id')
    for (const [i, key] of keys.entries()) {
      t.ok(await bcrypt.compare(key, stored[i].key_hash), 'the hash is bcrypt')
      t.same(stored[i].key_lookup, isPeppered ? createHmac('sha256', gateway.pepper).update(key).digest() : null)
    }

    const places = {
      'the database': await dump(pool),
      'the gateway\'s log': gateway.logs.join(''),
      'the metrics': metrics,
      'the command\'s messages': cli.stderr,
      'the database server\'s log': await readFile(path.join(runFolder(), 'postgres.log'), 'utf8'),
    }
    for (const [place, text] of Object.entries(places)) {
      for (const key of keys) t.same(tracesOf(key, text), [], `${place} holds nothing of the key's secret`)
    }

    t.ok(places['the database'].includes(cliKey.slice(0, prefixLength)), 'the prefix, which may be stored, is found')
    t.ok(places['the gateway\'s log'].includes(cliKey.slice(0, prefixLength)))
    await pool.query('update api_keys set description = $2 where id = $1', [made.apiKey.id, made.key])
    t.not(tracesOf(made.key, await dump(pool)).length, 0, 'a key in the database would have been found')

    async function useInEveryWay (key: string): Promise<void> {
      const url = `${gateway.url}/inventory/1`
      const encoded = [...key].map(character => `%${character.charCodeAt(0).toString(16)}`).join('')
      const wrongSecret = withChecksum(key.slice(0, 12) + generateKey({ brand: 'sk', environment: 'live' }).slice(12, 40))
      const by = (headers: Record<string, string>) => ({ headers })
      const asked: [status: number, url: string, headers?: Record<string, string>][] = [
        [200, url, { 'x-api-key': key }],
        [200, url, { 'x-api-key': key }],
        [200, url, { authorization: `Bearer ${key}` }],
        [200, url, { authorization: `Bearer ${key}`, 'x-api-key': key }],
        [400, url, { authorization: `Bearer ${key}`, 'x-api-key': wrongSecret }],
        [200, `${gateway.url}/inventory/${key}`, { 'x-api-key': key }],
        [200, `${gateway.url}/inventory/${encoded}`, { 'x-api-key': key }],
        [200, `${gateway.url}/inventory/${'x'.repeat(250)}${key}`, { 'x-api-key': key }],
        [200, `${url}?api_key=${key}`, { 'x-api-key': key }],
        [200, url, { 'x-api-key': key, 'user-agent': `curl ${key}` }],
        [200, url, { 'x-api-key': key, 'x-request-id': key }],
        [200, url, { 'x-api-key': key, referer: `https://example.com/?key=${key}` }],
        [401, `${gateway.url}/inventory/${key}`],
        [401, `${url}?api_key=${key}`],
        [401, url, { authorization: key }],
        [401, url, { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` }],
        [401, url, { 'x-api-key': wrongSecret }],
        [401, url, { 'x-api-key': key.slice(0, -1) }],
        [401, url, { 'x-api-key': `${key}0` }],
        [401, url, { 'x-api-key': `${key}${key}` }],
        [401, url, { 'x-api-key': `"${key}"` }],
        [401, url, { 'x-api-key': key.toLowerCase() }],
        [200, `${gateway.url}/report/${key}`],
        [200, `${gateway.url}/report/1`, { 'x-api-key': `${key}0` }],
        [200, `${gateway.url}/public/${key}`, { 'x-api-key': key }],
        [404, `${gateway.url}/${key}`, { 'x-api-key': key }],
        [404, `${gateway.url}/-/${key}`, { 'x-api-key': key }],
      ]
      for (const [status, to, headers = {}] of asked) {
        t.equal((await send(to, by(headers))).status, status, `${new URL(to).pathname} ${Object.keys(headers).join()}`)
      }
      const raw: [status: number, target: string, headers: string[]][] = [
        [400, '/inventory/1', [host, `X-Api-Key: ${key}`, `x-api-key: ${key}`]],
        [400, `/inventory/%zz${key}`, [host, `x-api-key: ${key}`]],
        [400, `/inventory//${key}`, [host, `x-api-key: ${key}`]],
        [404, `http://gateway.test/${key}`, [host, `x-api-key: ${key}`]],
        [400, '/inventory/1', [host, `${key} : x`]],
        [400, '/inventory/1', [`Host: ${key}/`, `x-api-key: ${key}`]],
        [431, '/inventory/1', [host, `x-large: ${key.repeat(500)}`]],
      ]
      for (const [status, target, headers] of raw) t.equal((await ask(gateway.url, { target, headers })).status, status)
    }
  })
}

/** The spellings under which the part of the key that is never shown, or half of it, stands in the text. */
function tracesOf (key: string, text: string): string[] {
  const secret = key.slice(prefixLength)
  const halves = [secret.slice(0, secret.length / 2), secret.slice(secret.length / 2)]
  const spellings = halves.flatMap(half => [half, Buffer.from(half).toString('hex')])
  const base64 = [0, 1, 2].map(shift => Buffer.from(secret.slice(shift)).toString('base64').slice(0, 20))
  const lowerCase = text.toLowerCase()
  return [...spellings, ...base64].filter(spelling => lowerCase.includes(spelling.toLowerCase()))
}

/** Every row of every table of every schema as text, and the statements that the server shows as running. */
async function dump (pool: pg.Pool): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', nspname, relname) as name
     from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where relkind in ('r', 'm') or relname = 'pg_stat_activity'`)
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await pool.query<{ text: string }>(`select t::text as text from ${name} t`)
    for (const { text } of rows) texts.push(text)
  }
  return texts.join('\n')
}

function withChecksum (body: string): string {
  return body + checksumOf(body)
}
