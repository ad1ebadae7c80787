import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'

const installSeconds = 180

export interface ExpressGateway {
  readonly keysFile: string
  readonly keyHeader: string
  start (port: number, node: string): Promise<ChildProcess>
}

/** Installs Express Gateway for this run alone. Null, and says why, where that doesn't work. */
export async function prepareExpressGateway ({ stage, folder, upstreamUrl, keys, writeKeys, say }: Bench): Promise<ExpressGateway | null> {
  const modules = join(folder, 'express-gateway')
  const configFolder = join(folder, 'express-gateway-config')
  try {
    mkdirSync(modules)
    writeFileSync(join(modules, 'package.json'), '{"private":true}')
    say('installing Express Gateway for this run')
    await stage.run('anywhere', ['npm', 'install', '--prefix', modules, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', 'express-gateway'], { signal: AbortSignal.timeout(installSeconds * 1000) })
    cpSync(join(modules, 'node_modules/express-gateway/lib/config/models'), join(configFolder, 'models'), { recursive: true })
  } catch (err) {
    say(`express-gateway is left out, it doesn't install here: ${err instanceof Error ? err.message : String(err)}`)
    return null
  }
  const keysFile = writeKeys('express-gateway-keys', keys.map((_, i) => `key${i}:secret${i}`))
  return {
    keysFile,
    keyHeader: 'x-api-key',
    async start (port, node) {
      writeConfig(configFolder, port, upstreamUrl)
      return stage.start('gateway', [node, join(import.meta.dirname, 'express-gateway.cjs'), modules, keysFile], { ...process.env, EG_CONFIG_DIR: configFolder, LOG_LEVEL: 'error', NODE_ENV: 'production', NODE_NO_WARNINGS: '1' })
    },
  }
}

function writeConfig (folder: string, port: number, upstreamUrl: string): void {
  writeFileSync(join(folder, 'system.config.yml'), `
db: { redis: { emulate: true, namespace: EG } }
crypto: { cipherKey: bench, algorithm: aes256, saltRounds: 10 }
session: { secret: bench, resave: false, saveUninitialized: false }
accessTokens: { timeToExpiry: 7200000 }
refreshTokens: { timeToExpiry: 7200000 }
authorizationCodes: { timeToExpiry: 300000 }
`)
  writeFileSync(join(folder, 'gateway.config.yml'), `
http: { port: ${port}, hostname: 127.0.0.1 }
apiEndpoints: { inventory: { host: '*' } }
serviceEndpoints: { inventory: { url: '${upstreamUrl}' } }
policies: [key-auth, proxy]
pipelines:
  inventory:
    apiEndpoints: [inventory]
    policies:
      - key-auth: { action: { apiKeyHeader: x-api-key, disableHeadersScheme: true } }
      - proxy: { action: { serviceEndpoint: inventory } }
`)
}
