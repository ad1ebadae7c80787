import { stat } from 'node:fs/promises'
import type { Environment } from '../../config/environment.ts'
import { fail, ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

const nodeLeast = [20, 18] as const

/** Node's version, and the secrets of the environment. */
export async function checkSurroundings (environment: Environment): Promise<Finding[]> {
  return [checkNode(process.versions.node), await checkEnvironmentFile(), checkPepper(environment), checkAdminToken(environment)]
}

function checkNode (version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isRecent = major > nodeLeast[0] || (major === nodeLeast[0] && minor >= nodeLeast[1])
  return isRecent ? ok('Node', version) : fail('Node', `${version} is too old`, `Install Node ${nodeLeast.join('.')} or newer.`)
}

async function checkEnvironmentFile (): Promise<Finding> {
  try {
    const { mode } = await stat('.env')
    const isOthersToRead = process.platform !== 'win32' && (mode & 0o077) !== 0
    return isOthersToRead
      ? warn('.env', 'other users of this machine can read it', 'Run: chmod 600 .env')
      : ok('.env', 'readable by its owner alone')
  } catch {
    return ok('.env', 'none here; the environment alone counts')
  }
}

function checkPepper ({ keyPeppers, databaseUrl }: Environment): Finding {
  if (keyPeppers.length > 0) return ok('Pepper', keyPeppers.length === 1 ? 'set' : `${keyPeppers.length} listed; the first writes`)
  if (databaseUrl === null) return ok('Pepper', 'the embedded database keeps its own')
  return warn('Pepper', 'LATCHKEY_KEY_PEPPER is not set: each first use of a key costs a bcrypt compare', 'Set LATCHKEY_KEY_PEPPER to 32 random bytes: openssl rand -hex 32')
}

function checkAdminToken ({ adminToken }: Environment): Finding {
  return adminToken === null
    ? warn('Admin token', 'LATCHKEY_ADMIN_TOKEN is not set: the admin API is open to named tokens alone, and to nobody while the database is away', 'Set LATCHKEY_ADMIN_TOKEN to 24 characters or more (openssl rand -base64 32), or see `latchkey tokens`')
    : ok('Admin token', 'set')
}
