import { existsSync } from 'node:fs'
import type { Config } from '../../config/config.ts'
import type { Environment } from '../../config/environment.ts'
import { loadConfig } from '../../config/load.ts'
import { hasEmbedded } from '../../database/embedded.ts'
import { isStoreUnavailable } from '../../database/sqlstate.ts'
import { UsageError } from '../../errors.ts'
import { withDatabase } from '../database-session.ts'
import type { DatabaseSession } from '../database-session.ts'
import { InterruptedError, messageOf } from '../fault.ts'
import { counted } from '../output.ts'
import { checkDatabaseServer } from './database-server.ts'
import { fail, ok } from './finding.ts'
import type { Finding } from './finding.ts'
import { checkKeyRows } from './key-rows.ts'
import { checkNotify } from './notify.ts'
import { checkPartitions } from './partitions.ts'
import { checkPorts } from './ports.ts'
import { checkRights } from './rights.ts'
import { checkSchema } from './schema.ts'
import { checkSerials } from './serials.ts'
import { checkSpool } from './spool.ts'
import { checkSurroundings } from './surroundings.ts'
import { checkUpstreams } from './upstreams.ts'

/** Runs every check that makes sense; one that breaks off is a finding of its own and stops none of the others. */
export async function examine (environment: Environment, configFile: string): Promise<Finding[]> {
  const findings = await checkSurroundings(environment)
  const { config, findings: configFindings } = checkConfiguration(environment, configFile)
  findings.push(...configFindings)
  findings.push(...await attempt('Database', async () => {
    const { databaseUrl, dataDir } = environment
    if (databaseUrl === null && !await hasEmbedded(dataDir)) return [ok('Database', `none yet: \`latchkey start\` makes an embedded one in ${dataDir}; or set DATABASE_URL`)]
    await withDatabase({ environment, migrations: 'ignored' }, async session => await examineDatabase(session, findings))
    return []
  }))
  if (config !== null) {
    findings.push(...await attempt('Usage spool', async () => await checkSpool(config.usage, environment.dataDir)))
    findings.push(...await attempt('Upstreams', async () => await checkUpstreams(config)))
    findings.push(...await attempt('Ports', async () => await checkPorts(config)))
  }
  return findings
}

/** Adds to `findings` as it goes: what is known by then counts even when the database breaks away. */
async function examineDatabase (session: DatabaseSession, findings: Finding[]): Promise<void> {
  findings.push(...await checkDatabaseServer(session))
  const schema = await checkSchema(session)
  findings.push(...schema.findings)
  if (schema.isComplete) {
    findings.push(...await attempt('Rights', async () => await checkRights(session.pool)))
    findings.push(...await attempt('Keys', async () => await checkKeyRows(session.pool, session.peppers)))
    findings.push(...await attempt('Usage by month', async () => await checkPartitions(session)))
    findings.push(...await attempt('Usage ids', async () => await checkSerials(session.pool)))
  }
  findings.push(...await attempt('NOTIFY', async () => await checkNotify(session)))
}

function checkConfiguration (environment: Environment, configFile: string): { config: Config | null, findings: Finding[] } {
  if (!existsSync(configFile)) {
    return { config: null, findings: [fail('Configuration', `${configFile} does not exist`, 'Run `latchkey init`, or name your file in LATCHKEY_CONFIG or with --config.')] }
  }
  try {
    const config = loadConfig(configFile, environment)
    return { config, findings: [ok('Configuration', `${configFile}: ${counted(config.routes.length, 'route')}, ${counted(config.upstreams.length, 'upstream')}`)] }
  } catch (err) {
    if (!(err instanceof UsageError)) throw err
    return { config: null, findings: [fail('Configuration', err.message, 'Correct the file, then: latchkey config check')] }
  }
}

async function attempt (check: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work()
  } catch (err) {
    if (err instanceof InterruptedError) throw err
    const remedy = isStoreUnavailable(err) ? 'Check that the database runs and that DATABASE_URL is right.' : 'LOG_LEVEL=debug shows more.'
    return [fail(check, messageOf(err), remedy)]
  }
}
