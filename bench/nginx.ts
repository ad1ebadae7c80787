import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, pinned, untilListening } from './processes.ts'

/** 158 bytes, as a small JSON answer is. */
const answer = JSON.stringify({ items: [{ id: 1, name: 'bolt', stock: 120 }, { id: 2, name: 'nut', stock: 88 }, { id: 3, name: 'washer', stock: 41 }], page: 1, pages: 7, total: 63, ok: true, v: 0 }).padEnd(158)

/** nginx as the upstream: one worker that answers every path with the same small JSON. */
export async function startNginxUpstream (folder: string, core: number): Promise<{ url: string, process: ChildProcess }> {
  const port = await freePort()
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  writeFileSync(file, `
    daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
    events { worker_connections 4096; }
    http {
      access_log off; keepalive_requests 1000000000; keepalive_timeout 75; ${temporary}
      server { listen 127.0.0.1:${port} backlog=4096; default_type application/json; location / { return 200 '${answer}'; } }
    }`)
  const process = pinned(core, ['nginx', '-p', folder, '-c', file])
  await untilListening(port)
  return { url: `http://127.0.0.1:${port}`, process }
}
