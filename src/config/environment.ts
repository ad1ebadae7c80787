import { UsageError } from '../errors.ts'
import { isListenHost } from './hosts.ts'
import { decodePeppers, readSecret } from './secrets.ts'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
const ADMIN_TOKEN_CHARS_MIN = 24

/** What the environment says, checked. Null: not set. */
export interface Environment {
  /** null: the embedded database. */
  readonly databaseUrl: string | null
  /** A session connection where `databaseUrl` goes through a transaction pooler. */
  readonly databaseDirectUrl: string | null
  readonly configFile: string
  readonly host: string | null
  readonly port: number | null
  readonly adminHost: string | null
  readonly adminPort: number | null
  readonly adminToken: string | null
  /** 32 bytes or more each. The first writes, all verify. Empty: none is set. */
  readonly keyPeppers: Buffer[]
  readonly dataDir: string
  readonly logLevel: string
}

/**
 * Reads Latchkey's variables. Each secret may come as `NAME_FILE`, too. An empty variable counts as not set. Throws one
 * UsageError with a line for each fault, none of which shows a secret.
 */
export function loadEnvironment (env: NodeJS.ProcessEnv): Environment {
  const faults: string[] = []
  const adminToken = readSecret(env, 'LATCHKEY_ADMIN_TOKEN', faults)
  if (adminToken !== null) checkAdminToken(adminToken, faults)
  const pepper = readSecret(env, 'LATCHKEY_KEY_PEPPER', faults)
  const environment: Environment = {
    databaseUrl: readDatabaseUrl(env, 'DATABASE_URL', faults),
    databaseDirectUrl: readDatabaseUrl(env, 'DATABASE_DIRECT_URL', faults),
    configFile: text(env, 'LATCHKEY_CONFIG') ?? 'config/gateway.yaml',
    host: readHost(env, 'LATCHKEY_HOST', faults),
    port: readPort(env, 'LATCHKEY_PORT', faults),
    adminHost: readHost(env, 'LATCHKEY_ADMIN_HOST', faults),
    adminPort: readPort(env, 'LATCHKEY_ADMIN_PORT', faults),
    adminToken,
    keyPeppers: pepper === null ? [] : decodePeppers(pepper, faults),
    dataDir: text(env, 'LATCHKEY_DATA_DIR') ?? '.latchkey',
    logLevel: readLogLevel(env, faults),
  }
  if (environment.databaseDirectUrl !== null && text(env, 'DATABASE_URL') === null && text(env, 'DATABASE_URL_FILE') === null) {
    faults.push('DATABASE_DIRECT_URL is set and DATABASE_URL is not: set DATABASE_URL, alone or beside it')
  }
  if (faults.length > 0) throw new UsageError(faults.join('\n'))
  return Object.freeze(environment)
}

function text (env: NodeJS.ProcessEnv, name: string): string | null {
  const value = env[name]
  return value === undefined || value === '' ? null : value
}

function readDatabaseUrl (env: NodeJS.ProcessEnv, name: string, faults: string[]): string | null {
  const url = readSecret(env, name, faults)
  if (url !== null && !/^postgres(?:ql)?:\/\/\S+$/.test(url)) {
    faults.push(`${name} is no Postgres URL: write postgresql://host:5432/database, with user:password@ before the host`)
  }
  return url
}

function readHost (env: NodeJS.ProcessEnv, name: string, faults: string[]): string | null {
  const host = text(env, name)
  if (host !== null && !isListenHost(host)) faults.push(`${name} must be an IP address or a host name, without a port`)
  return host
}

function readPort (env: NodeJS.ProcessEnv, name: string, faults: string[]): number | null {
  const port = text(env, name)
  if (port === null) return null
  if (/^[0-9]{1,5}$/.test(port) && Number(port) <= 65535) return Number(port)
  faults.push(`${name} must be a port, 0 to 65535`)
  return null
}

function readLogLevel (env: NodeJS.ProcessEnv, faults: string[]): string {
  const level = text(env, 'LOG_LEVEL')?.toLowerCase() ?? 'info'
  if (!LOG_LEVELS.includes(level)) faults.push(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`)
  return level
}

function checkAdminToken (token: string, faults: string[]): void {
  if (token.length < ADMIN_TOKEN_CHARS_MIN) {
    faults.push(`LATCHKEY_ADMIN_TOKEN is too short: ${ADMIN_TOKEN_CHARS_MIN} characters or more are needed (openssl rand -hex 32)`)
  }
  // What a client couldn't send in an Authorization header would lock everybody out.
  if (!/^[\x21-\x7e]+$/.test(token)) faults.push('LATCHKEY_ADMIN_TOKEN may hold printable ASCII characters only, and no spaces')
}
