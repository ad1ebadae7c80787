import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startNginx } from '../nginx.ts'
import type { Stage } from '../stage.ts'

export interface NginxPeerOptions {
  readonly folder: string
  readonly port: number
  readonly upstreamUrl: string
  readonly keys: readonly string[]
  readonly routes: number
}

/** A row a request, with its times, written 64 KiB at a time or once a second. */
const usageLog = (folder: string, extra: string) => `
  log_format usage '$msec ${extra} "$request_method $uri" $status $request_time $upstream_response_time $body_bytes_sent $remote_addr "$http_user_agent"';
  access_log ${folder}/usage.log usage buffer=64k flush=1s;`

const proxied = `
  proxy_http_version 1.1; proxy_set_header connection ""; proxy_set_header x-api-key "";
  proxy_set_header x-forwarded-for $remote_addr; proxy_set_header x-forwarded-proto $scheme; proxy_set_header x-forwarded-host $http_host;`

function upstreamOf (upstreamUrl: string): string {
  return `upstream inventory { server ${new URL(upstreamUrl).host}; keepalive 128; keepalive_requests 1000000000; }`
}

/** nginx with Lua that checks what Latchkey checks: see nginx-lua/checks.lua. */
export async function startNginxLua (stage: Stage, { folder, port, upstreamUrl, keys, routes }: NginxPeerOptions): Promise<ChildProcess> {
  const keysFile = join(folder, 'nginx-keys.tsv')
  writeFileSync(keysFile, keys.map((key, i) => [key, i + 1, '6f9619ff-8b86-4d01-b42d-00cf4fc964ff', 'inventory:read inventory:write', 0, 'active'].join('\t')).join('\n') + '\n')
  const names = Array.from({ length: routes }, (_, i) => `r${i}`)
  const location = (path: string, group: string) => `location ${path} { set $route_group ${group}; access_by_lua_block { checks.access() } proxy_pass http://inventory; }`
  return await startNginx(stage, 'gateway', {
    folder,
    port,
    http: `
      lua_package_path "${join(import.meta.dirname, 'nginx-lua')}/?.lua;/usr/share/lua/5.1/?.lua;;";
      init_by_lua_block {
        checks = require "checks"
        checks.load("${keysFile}")
        checks.route("inventory", "GET", "read-inventory", "inventory:read")
        checks.route("inventory", "HEAD", "read-inventory", "inventory:read")
        checks.route("inventory", "POST", "write-inventory", "inventory:write")
        for i = 0, ${routes - 1} do checks.route("r" .. i, "GET", "r" .. i, "inventory:read") end
      }
      ${upstreamOf(upstreamUrl)} ${usageLog(folder, '$key_id $route_id $request_id_shown')}`,
    server: `
      set $route_id ""; set $key_id ""; set $key_user ""; set $key_scopes ""; set $request_id_shown "";
      ${proxied}
      proxy_set_header x-latchkey-key-id $key_id; proxy_set_header x-latchkey-user-id $key_user; proxy_set_header x-latchkey-scopes $key_scopes;
      proxy_set_header x-request-id $request_id_shown; proxy_set_header traceparent "00-$request_id-0123456789abcdef-01";
      add_header x-request-id $request_id_shown always; client_body_buffer_size 64k;
      ${location('/inventory/', 'inventory')} ${names.map(name => location(`/${name}/`, name)).join('\n')}`,
  })
}

/** nginx with its keys in a map and nothing but them checked: the least that a proxy with keys can cost. */
export async function startNginxMap (stage: Stage, { folder, port, upstreamUrl, keys }: NginxPeerOptions): Promise<ChildProcess> {
  return await startNginx(stage, 'gateway', {
    folder,
    port,
    http: `map_hash_bucket_size 128; map_hash_max_size ${keys.length * 4};
      map $http_x_api_key $key_id { default ""; ${keys.map((key, i) => `${key} ${i + 1};`).join(' ')} }
      ${upstreamOf(upstreamUrl)} ${usageLog(folder, '$key_id')}`,
    server: `${proxied} location / { if ($key_id = "") { return 401; } proxy_set_header x-latchkey-key-id $key_id; ${proxied} proxy_pass http://inventory; }`,
  })
}
