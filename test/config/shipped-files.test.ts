import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { gatewayYaml } from '../../src/commands/init/gateway-yaml.ts'
import { loadConfig } from '../../src/config/load.ts'
import { generatedModule, generatedSchema } from '../../src/config/schema.ts'
import { explain } from '../../src/routes/explain.ts'
import { RouteTable } from '../../src/routes/route-table.ts'

const folder = join(import.meta.dirname, '../../config')

t.test('the JSON Schema in config/ is current', async (t) => {
  t.equal(readFileSync(join(folder, 'gateway.schema.json'), 'utf8'), generatedSchema(), 'else run: npm run schema')
  t.equal(readFileSync(join(folder, '../src/config/schema.generated.ts'), 'utf8'), generatedModule(), 'else run: npm run schema')
})

t.test('the JSON Schema is a valid one', async (t) => {
  t.ok(new Ajv({ strict: true }).validateSchema(JSON.parse(generatedSchema()), true))
})

t.test('the shipped configuration names its schema, and answers as documented', async (t) => {
  const file = join(folder, 'gateway.yaml')
  t.match(readFileSync(file, 'utf8'), /^# yaml-language-server: \$schema=\.\/gateway\.schema\.json\n/)
  const table = new RouteTable(loadConfig(file).routes)
  const scopes = ['inventory:read', 'tickets:*']
  const cells: [string, string, readonly string[] | null, string | null, string | null][] = [
    ['GET', '/inventory/42', scopes, null, 'read-inventory'],
    ['HEAD', '/inventory', scopes, null, 'read-inventory-list'],
    ['POST', '/inventory', scopes, 'insufficient_scope', 'write-inventory-list'],
    ['POST', '/inventory/42', scopes, 'insufficient_scope', 'write-inventory'],
    ['DELETE', '/inventory/42', scopes, 'insufficient_scope', 'write-inventory'],
    ['GET', '/inventory/42', null, 'missing_key', 'read-inventory'],
    ['OPTIONS', '/inventory/42', scopes, 'method_not_allowed', null],
    ['GET', '/tickets', scopes, null, 'read-ticket-list'],
    ['POST', '/tickets', scopes, null, 'write-ticket-list'],
    ['GET', '/tickets/7', scopes, null, 'read-tickets'],
    ['DELETE', '/tickets/7', scopes, null, 'write-tickets'],
    ['GET', '/status', null, null, 'status'],
    ['POST', '/status', scopes, 'method_not_allowed', null],
    ['GET', '/inventory/', scopes, 'ambiguous_path', null],
    ['GET', '/Inventory/42', scopes, 'ambiguous_path', null],
    ['GET', '/', scopes, 'route_not_found', null],
  ]
  for (const [method, path, held, code, routeId] of cells) {
    t.match(explain(table, { method, path, scopes: held }), { code, routeId }, `${method} ${path}: ${code ?? 'forwarded'}`)
  }
})

t.test('the shipped configuration, and the one that `latchkey init` writes, show every setting with its default', async (t) => {
  const routes = 'routes: [{ id: a, path: /, upstream: backend }]'
  const defaults = load("upstreams: { backend: { targets: ['http://127.0.0.1:3000'] } }\n" + routes)
  for (const text of [gatewayYaml, readFileSync(join(folder, 'gateway.yaml'), 'utf8')]) {
    const { gateway, admin, keys, usage, upstreams } = load(text)
    // By default rows are kept for ever: adopting a database must never delete its history unasked.
    t.equal(defaults.usage.retentionMs, null)
    t.same({ gateway, admin, keys, usage }, { gateway: defaults.gateway, admin: defaults.admin, keys: defaults.keys, usage: { ...defaults.usage, retentionMs: 90 * 86_400_000 } })
    const { name, targets, ...rest } = upstreams[0]!
    t.match(defaults.upstreams[0], rest)
    for (const setting of settingsOf(JSON.parse(generatedSchema()))) t.match(text, new RegExp(`\\b${setting}:`), setting)
  }

  function load (text: string) {
    return loadConfig(join(t.testdir({ 'gateway.yaml': text }), 'gateway.yaml'))
  }
})

function * settingsOf (schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return
  for (const [key, part] of Object.entries(schema)) {
    if (key === 'properties') yield * Object.keys(part as object)
    if (key !== 'default') yield * settingsOf(part)
  }
}
