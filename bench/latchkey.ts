import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface GatewayConfig {
  readonly upstreamUrl: string
  readonly engine?: 'direct' | 'http-proxy'
  /** Beside the two of /inventory/*: so many more, /r0/* and on. */
  readonly routes?: number
  readonly failures?: number
  readonly workers?: number
  /** Settings of the section, in YAML's flow style. */
  readonly usage?: string
}

/** Writes a configuration for Latchkey and returns its path. */
export function writeConfig (folder: string, name: string, { upstreamUrl, engine, routes = 0, failures, workers, usage = '' }: GatewayConfig): string {
  const gateway = [
    engine === undefined ? '' : `engine: ${engine}`,
    failures === undefined ? '' : `failureBudget: { failures: ${failures} }`,
    workers === undefined ? '' : `workers: ${workers}`,
  ].filter(Boolean).join(', ')
  const more = Array.from({ length: routes }, (_, i) => `  - { id: r${i}, path: /r${i}/*, methods: [GET], upstream: inventory, scopes: [inventory:read] }`)
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, `
gateway: { ${gateway} }
usage: { ${usage} }
upstreams: { inventory: { targets: ["${upstreamUrl}"] } }
routes:
  - { id: read-inventory, path: /inventory/*, methods: [GET, HEAD], upstream: inventory, scopes: [inventory:read] }
  - { id: write-inventory, path: /inventory/*, methods: [POST], upstream: inventory, scopes: [inventory:write] }
${more.join('\n')}
`)
  return file
}
