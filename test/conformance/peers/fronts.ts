import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../../src/database/embedded/postgres-process.ts'
import { keyLength } from '../case.ts'
import type { Front } from '../front.ts'
import { startLatchkey } from './latchkey.ts'
import { end, untilListening } from './processes.ts'

export interface StartedFront extends Front {
  readonly version: string
  close (): Promise<void>
}

type Start = (folder: string, upstreamPort: number) => Promise<StartedFront>

const bareProxy = join(import.meta.dirname, '../../../bench/peers/bare-http-proxy.mjs')

/** Each in its own column, in this order. */
export const starters: readonly Start[] = [
  async function Latchkey (folder, upstreamPort) {
    return await startLatchkey(join(folder, 'latchkey'), upstreamPort)
  },
  async function nginx (folder, upstreamPort) {
    const port = await freePort()
    const own = ownFolder(folder, 'nginx')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${own}/${kind};`).join(' ')
    const file = join(own, 'nginx.conf')
    writeFileSync(file, `
      daemon off; master_process off; worker_processes 1; pid ${own}/nginx.pid; error_log ${own}/error.log;
      events { worker_connections 256; }
      http {
        access_log off; ${temporary}
        upstream target { server 127.0.0.1:${upstreamPort}; keepalive 8; }
        server {
          listen 127.0.0.1:${port}; client_header_timeout 3s; client_body_timeout 3s;
          location / { proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off; proxy_read_timeout 3s; }
        }
      }`)
    const version = /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr)?.[1] ?? ''
    return await started('nginx', version, port, spawnQuietly('nginx', ['-p', own, '-c', file]))
  },
  async function haproxy (folder, upstreamPort) {
    const port = await freePort()
    const file = join(ownFolder(folder, 'haproxy'), 'haproxy.cfg')
    writeFileSync(file, `
global
  nbthread 1
defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 3s
  timeout server 3s
frontend clients
  bind 127.0.0.1:${port}
  default_backend target
backend target
  server target 127.0.0.1:${upstreamPort}
`)
    const version = /version (\S+)/.exec(execFileSync('haproxy', ['-v'], { encoding: 'utf8' }))?.[1] ?? ''
    return await started('haproxy', version, port, spawnQuietly('haproxy', ['-db', '-f', file]))
  },
  async function bare (_folder, upstreamPort) {
    const port = await freePort()
    const version = (JSON.parse(readFileSync(join(import.meta.dirname, '../../../node_modules/@fastify/http-proxy/package.json'), 'utf8')) as { version: string }).version
    return await started('@fastify/http-proxy', version, port, spawnQuietly(process.execPath, [bareProxy, String(port), `http://127.0.0.1:${upstreamPort}`]))
  },
]

/** Debian's packages that have to be installed first. */
export function missingPackages (): string[] {
  return ['nginx', 'haproxy'].filter(name => spawnSync(name, ['-v']).error !== undefined)
}

async function started (name: string, version: string, port: number, child: ChildProcess): Promise<StartedFront> {
  await untilListening(port)
  // They read no key; one of the same length is in its place.
  return { name, version, url: `http://127.0.0.1:${port}`, key: 'k'.repeat(keyLength), close: () => end(child) }
}

function ownFolder (folder: string, name: string): string {
  const own = join(folder, name)
  mkdirSync(own, { recursive: true })
  return own
}

function spawnQuietly (command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: 'ignore' })
}
