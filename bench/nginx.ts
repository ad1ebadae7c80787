import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { freePort, isListening, type Place, type Stage, untilReady } from './stage.ts'

const modulesFolder = '/usr/share/nginx/modules'
/** 158 bytes, as a small JSON answer is. */
const smallAnswer = JSON.stringify({ items: [{ id: 1, name: 'bolt', stock: 120 }, { id: 2, name: 'nut', stock: 88 }, { id: 3, name: 'washer', stock: 41 }], page: 1, pages: 7, total: 63, ok: true, v: 0 }).padEnd(158)
const largeAnswerBytes = 100 * 1024

/** Whether nginx has Debian's libnginx-mod-http-lua. */
export function hasLua (): boolean {
  return existsSync(join(modulesFolder, 'ngx_http_lua_module.so'))
}

/** The upstream of all gateways: small JSON for every path, and for /inventory/export 100 KiB once the request's body was read. */
export async function startUpstream (stage: Stage, folder: string): Promise<string> {
  const port = await freePort()
  const large = hasLua()
    ? `location = /inventory/export {
         client_body_buffer_size 64k;
         content_by_lua_block { ngx.req.read_body() ngx.header["content-length"] = ${largeAnswerBytes} ngx.print(large) }
       }`
    : ''
  const init = hasLua() ? `init_by_lua_block { large = string.rep("0123456789abcdef", ${largeAnswerBytes / 16}) }` : ''
  await startNginx(stage, 'load', { folder, port, http: `${init} access_log off;`, server: `default_type application/json; location / { return 200 '${smallAnswer}'; } ${large}` })
  return `http://127.0.0.1:${port}`
}

export interface NginxOptions {
  readonly folder: string
  readonly port: number
  /** Directives of http {}. */
  readonly http: string
  /** Directives of its only server {}. */
  readonly server: string
}

/** One worker, in the foreground. Resolves once it listens. */
export async function startNginx (stage: Stage, place: Place, { folder, port, http, server }: NginxOptions): Promise<ChildProcess> {
  mkdirSync(folder, { recursive: true })
  const modules = hasLua() ? ['ndk_http_module', 'ngx_http_lua_module'].map(name => `load_module ${modulesFolder}/${name}.so;`).join(' ') : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, `${modules}
    daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
    events { worker_connections 8192; }
    http {
      ${temporary} keepalive_requests 1000000000; keepalive_timeout 75;
      ${http}
      server { listen 127.0.0.1:${port} backlog=4096; ${server} }
    }`)
  const child = stage.start(place, ['nginx', '-p', folder, '-e', 'stderr', '-c', file])
  await untilReady(child, async () => await isListening(port))
  return child
}
