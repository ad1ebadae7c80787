import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Command } from 'commander'
import { pino } from 'pino'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import { productVersion } from '../config/version.ts'
import { startSampleUpstream } from '../demo/sample-upstream.ts'
import { BcryptPool } from '../keys/bcrypt.ts'
import { KeyManager } from '../keys/manager.ts'
import type { Server } from '../server.ts'
import { withDatabase } from './database-session.ts'
import { readEnvironment } from './environment.ts'
import { examples } from './help.ts'
import { Output } from './output.ts'
import { serve } from './serve.ts'
import { serialisedError } from './serialised-error.ts'

const shippedConfigFile = join(import.meta.dirname, '../../config/gateway.yaml')
const demoUser = 'demo@latchkey.localhost'
const demoKeyLifetimeMs = 86_400_000

/** `latchkey demo`: everything at once, to look at. */
export function demoCommand (): Command {
  return new Command('demo')
    .description('Show it at work: embedded Postgres, a sample upstream, a key, the gateway and lines to try.')
    .option('--json', 'once all is ready, print one line of JSON instead of the tour')
    .addHelpText('after', examples(['latchkey demo', 'then type the curl lines that it prints']))
    .action(demo)
}

async function demo (options: { readonly json?: boolean }): Promise<void> {
  const given = readEnvironment()
  // Never on a database that is somebody's: the demo makes users and keys.
  const environment: Environment = { ...given, databaseUrl: null, databaseDirectUrl: null, adminToken: given.adminToken ?? randomBytes(24).toString('base64url') }
  const configOverrides = {
    host: given.host ?? '127.0.0.1',
    port: await freePort(given.port, 8080),
    adminHost: given.adminHost,
    adminPort: await freePort(given.adminPort, 8081),
  }
  const upstream = await startSampleUpstream({ host: '127.0.0.1', port: await freePort(null, 9000) })
  const config = withTarget(loadConfig(shippedConfigFile, configOverrides), upstream.url)
  // Requests would bury the lines to try; a level that was asked for is kept.
  const logger = pino({ name: 'latchkey', level: given.logLevel === 'info' ? 'warn' : given.logLevel, serializers: { err: serialisedError } }, pino.destination({ fd: 2, sync: true }))
  try {
    await serve({ config, configFile: shippedConfigFile, configOverrides, environment, logger, version: productVersion(), migrates: true }, async server => {
      const apiKey = await createDemoKey(environment, config)
      await untilReady(server)
      const ready = { gatewayUrl: server.gatewayUrl, adminUrl: server.adminUrl, adminToken: environment.adminToken!, apiKey, databaseUrl: server.databaseUrl, upstreamUrl: upstream.url }
      if (options.json === true) new Output().json(ready)
      else printTour(ready, environment.dataDir)
    })
  } finally {
    await upstream.close()
  }
}

async function createDemoKey (environment: Environment, config: Config): Promise<string> {
  return await withDatabase({ environment, migrations: 'needed' }, async ({ pool, peppers, logger }) => {
    const bcrypt = new BcryptPool({ queueMax: 1, logger })
    try {
      const { key } = await new KeyManager({ pool, peppers, bcrypt, config: config.keys, actor: { kind: 'command', name: 'latchkey demo' } }).create({
        user: demoUser,
        name: 'demo',
        description: 'Made by latchkey demo; lasts a day.',
        scopes: ['inventory:read', 'tickets:*'],
        expiresAt: new Date(Date.now() + demoKeyLifetimeMs),
      })
      return key
    } finally {
      await bcrypt.close()
    }
  })
}

/** The sample upstream may have had to take another port than the one that the shipped configuration names. */
function withTarget (config: Config, url: string): Config {
  return { ...config, upstreams: config.upstreams.map(upstream => ({ ...upstream, targets: [url] })) }
}

/** The port that was asked for, else the usual one where it is free, else any (0). */
async function freePort (asked: number | null, usual: number): Promise<number> {
  if (asked !== null) return asked
  return await new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(usual, '127.0.0.1', () => probe.close(() => resolve(usual)))
  })
}

async function untilReady (server: Server): Promise<void> {
  // Unreferenced: a server that was closed before it was ready never will be, and must not keep the process.
  while (!server.isReady()) await new Promise(resolve => setTimeout(resolve, 20).unref())
}

function printTour ({ gatewayUrl, adminUrl, adminToken, apiKey }: { gatewayUrl: string, adminUrl: string, adminToken: string, apiKey: string }, dataDir: string): void {
  const output = new Output()
  const bold = (text: string) => output.colour('bold', text)
  output.line(`
${bold('Latchkey is running.')}

  Gateway  ${gatewayUrl}   in front of a sample upstream, routes in config/gateway.yaml
  Admin    ${adminUrl}   keys, usage and routes, for your browser
  Token    ${adminToken}   signs you in there
  API key  ${apiKey}   holds inventory:read and tickets:*

Try it in another terminal:

  ${output.colour('dim', '# 200: the key holds inventory:read')}
  curl -i -H 'x-api-key: ${apiKey}' ${gatewayUrl}/inventory/items

  ${output.colour('dim', '# 403: it does not hold inventory:write')}
  curl -i -X POST -H 'x-api-key: ${apiKey}' ${gatewayUrl}/inventory/items

  ${output.colour('dim', '# 401: no key')}
  curl -i ${gatewayUrl}/inventory/items

  ${output.colour('dim', '# 200: a public route')}
  curl -i ${gatewayUrl}/status

Ctrl-C stops everything. The data stays in ${dataDir}; delete the folder to start afresh.`)
}
