import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { parseConfig } from '../src/config/load.ts'
import { openEmbedded } from '../src/database/embedded.ts'
import { migrateUp } from '../src/database/migrate.ts'
import { createPool } from '../src/database/pool.ts'
import { BcryptPool } from '../src/keys/bcrypt.ts'
import { Peppers } from '../src/keys/digest.ts'
import { KeyManager } from '../src/keys/manager.ts'

const logger = pino({ level: 'silent' })

export interface KeyDatabase {
  readonly url: string
  /** Hex, for LATCHKEY_KEY_PEPPER. */
  readonly pepper: string
  /** Mean milliseconds of the smallest query, one after another. */
  roundTripMs (): Promise<number>
  createKeys (count: number, bcryptCost: number): Promise<string[]>
  close (): Promise<void>
}

/** A real Postgres with the product's tables in it. */
export async function openKeyDatabase (folder: string): Promise<KeyDatabase> {
  const embedded = await openEmbedded({ dataDir: join(folder, 'data'), role: 'command', logger })
  await migrateUp({ connectionString: embedded.url, logger })
  const pool = createPool({ connectionString: embedded.url, applicationName: 'bench', connectionsMax: 2, queryTimeoutMs: 30_000, logger })
  const pepper = randomBytes(32)
  return {
    url: embedded.url,
    pepper: pepper.toString('hex'),
    async roundTripMs () {
      await pool.query('select 1')
      const startedAt = performance.now()
      for (let i = 0; i < 200; i++) await pool.query('select id from api_keys where id = $1', [i])
      return (performance.now() - startedAt) / 200
    },
    async createKeys (count, bcryptCost) {
      const bcrypt = new BcryptPool({ queueMax: 16, logger })
      const { keys: config } = parseConfig(configText('http://127.0.0.1:9', bcryptCost), 'bench')
      const manager = new KeyManager({ pool, peppers: new Peppers([pepper]), bcrypt, config })
      const keys: string[] = []
      for (let i = 0; i < count; i++) keys.push((await manager.create({ user: 'bench@example.com', name: `bench ${i}`, scopes: ['inventory:read'] })).key)
      await bcrypt.close()
      return keys
    },
    async close () {
      await pool.end()
      await embedded.close()
    },
  }
}

export function writeConfig (folder: string, upstreamUrl: string): string {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, configText(upstreamUrl, 10))
  return file
}

function configText (upstreamUrl: string, bcryptCost: number): string {
  return `
keys: { bcryptCost: ${bcryptCost} }
upstreams: { inventory: { targets: ["${upstreamUrl}"] } }
routes:
  - { id: read-inventory, path: /inventory/*, methods: [GET, HEAD], upstream: inventory, scopes: [inventory:read] }
  - { id: write-inventory, path: /inventory/*, methods: [POST], upstream: inventory, scopes: [inventory:write] }
`
}
