import { execFileSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import type { Bench } from '../bench.ts'
import { writeConfig } from '../latchkey.ts'
import { hasLua } from '../nginx.ts'
import type { PeerName } from '../options.ts'
import { freePort, isListening, untilReady } from '../stage.ts'
import { prepareExpressGateway } from './express-gateway.ts'
import { startNginxLua, startNginxMap } from './nginx.ts'
import type { Peer, PeerSettings, RunningPeer } from './peer.ts'

const root = join(import.meta.dirname, '../..')

/** The peers chosen, those on Node once for each binary. What can't run here is left out, and the reason said. */
export async function choosePeers (bench: Bench): Promise<Peer[]> {
  const { peers, nodes } = bench.options
  const binaries = nodes.map(binary => ({ binary, version: execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim().slice(1) }))
  const onNode = (name: PeerName, title: string, start: (bench: Bench, node: string, settings: PeerSettings) => Promise<RunningPeer>): Peer[] =>
    binaries.map(({ binary, version }) => {
      const suffix = binaries.length === 1 ? '' : `@${version.split('.')[0]}`
      return { id: name + suffix, title: `${title}${suffix === '' ? '' : `, Node ${version}`}`, isLatchkey: name.startsWith('latchkey'), start: async (bench, settings = {}) => await start(bench, binary, settings) }
    })
  const onNginx = (name: PeerName, title: string, start: typeof startNginxLua): Peer[] => [{
    id: name,
    title,
    isLatchkey: false,
    start: async (bench, { routes = 0 } = {}) => await running(bench, async port => await start(bench.stage, { folder: mkdtempSync(join(bench.folder, name)), port, upstreamUrl: bench.upstreamUrl, keys: bench.keys, routes })),
  }]
  const chosen = await Promise.all(peers.map(async name => {
    switch (name) {
      case 'latchkey': return onNode(name, 'Latchkey, everything on', async (bench, node, settings) => await startLatchkey(bench, node, settings, 'direct'))
      case 'latchkey-http-proxy': return onNode(name, 'Latchkey, engine http-proxy', async (bench, node, settings) => await startLatchkey(bench, node, settings, 'http-proxy'))
      case 'bare': return onNode(name, 'bare @fastify/http-proxy', async (bench, node) => await startScript(bench, node, 'bare-http-proxy.mjs'))
      case 'undici': return onNode(name, 'bare undici.dispatch', async (bench, node) => await startScript(bench, node, 'bare-undici.mjs'))
      case 'nginx-map': return onNginx(name, 'nginx, key map', startNginxMap)
      case 'nginx-lua':
        if (hasLua()) return onNginx(name, 'nginx + Lua, same checks', startNginxLua)
        bench.say('nginx-lua is left out. On Debian: apt-get install libnginx-mod-http-lua')
        return []
      case 'express-gateway': {
        const prepared = await prepareExpressGateway(bench)
        return prepared === null ? [] : onNode(name, 'Express Gateway, key-auth', async (bench, node) => await running(bench, async port => await prepared.start(port, node), prepared))
      }
    }
  }))
  return chosen.flat()
}

async function startLatchkey (bench: Bench, node: string, { routes = 0, gateway = {}, env = {}, isUnpinned = false }: PeerSettings, engine: 'direct' | 'http-proxy'): Promise<RunningPeer> {
  const { folder, upstreamUrl, database, stage } = bench
  const adminPort = await freePort()
  const config = writeConfig(folder, `gateway-${adminPort}`, { upstreamUrl, engine, routes, ...gateway })
  const peer = await running(bench, async port => stage.start(isUnpinned ? 'anywhere' : 'gateway', [node, join(root, 'dist/main.js'), 'start', '--config', config], {
    ...process.env, DATABASE_URL: database.url, LATCHKEY_KEY_PEPPER: database.pepper, LATCHKEY_HOST: '127.0.0.1', LATCHKEY_PORT: String(port), LATCHKEY_ADMIN_PORT: String(adminPort), LATCHKEY_DATA_DIR: join(folder, `gateway-${adminPort}`), LOG_LEVEL: 'warn', ...env,
  }))
  return { ...peer, adminUrl: `http://127.0.0.1:${adminPort}` }
}

async function startScript (bench: Bench, node: string, script: string): Promise<RunningPeer> {
  return await running(bench, async port => bench.stage.start('gateway', [node, join(import.meta.dirname, script), String(port), bench.upstreamUrl]))
}

async function running (bench: Bench, start: (port: number) => Promise<ChildProcess>, { keysFile = bench.keysFile, keyHeader = 'x-api-key' } = {}): Promise<RunningPeer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = await start(port)
  await untilReady(child, async () => {
    if (!await isListening(port)) return false
    // Anything but "not yet": with which key it is measured is the load's to say.
    const { statusCode, body } = await request(`${url}/-/ready`)
    await body.dump()
    return statusCode !== 503
  })
  return { pid: child.pid!, port, url, keysFile, keyHeader, close: async () => await bench.stage.end(child) }
}
