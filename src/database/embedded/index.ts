import { access, mkdir, open, realpath } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { UsageError } from '../../errors.ts'
import { prepareBinaries } from './binaries.ts'
import { Lease, type Role } from './claims.ts'
import { ensureCluster, hasCluster } from './cluster.ts'
import { claim, type Ownership } from './ownership.ts'
import { findPlace } from './place.ts'
import { giveToOwnerOf, keepSecret, readSecret } from './secrets.ts'
import { EmbeddedServer } from './server.ts'
import { makeSocketFolder } from './socket-folder.ts'

export interface EmbeddedOptions {
  /** Made, readable for its owner only, where it doesn't exist. */
  readonly dataDir: string
  /** A gateway owns the database for its lifetime; commands share it with whoever is there. */
  readonly role: Role
  /** Of the server, where this process starts it. Default: enough for a gateway of one worker, and commands. */
  readonly connectionsMax?: number
  readonly logger: Logger
  /** Ends the wait for another process; what is waited for after that is short. */
  readonly signal?: AbortSignal | undefined
}

export interface Embedded {
  /** Of the database `latchkey`, with its password. */
  readonly url: string
  /** Whether this process started the server and stops it. */
  readonly isOwner: boolean
  /** 32 random bytes that stay the same for this data folder. */
  readonly pepper: Buffer
  /** Gives the database back; its owner stops it, after waiting a while for commands that still use it. */
  close (): Promise<void>
}

const connectionsDefault = 50
/** How long an owner's end waits for other commands: a gateway is expected to end soon. */
const drainMs = { gateway: 2_000, command: 60_000 } as const

/**
 * Opens the PostgreSQL that is embedded in the data folder: finds the one that another latchkey runs there, or starts
 * it, having made it the first time. It ends with its owner, even with one that is killed. Throws a UsageError for
 * what a person can mend: no PostgreSQL for this platform, a data folder that can't be used or that another gateway
 * uses; and the signal's reason.
 */
export async function openEmbedded ({ dataDir, role, connectionsMax = connectionsDefault, logger, signal }: EmbeddedOptions): Promise<Embedded> {
  const folder = await usable(dataDir, 'made', makeDataFolder)
  const held = await claim({ socketFolder: await usable(folder, 'written to', makeSocketFolder), role, dataDir, logger, signal })
  if (held instanceof Lease) {
    const pepper = await readSecret(path.join(folder, 'pepper'))
    if (pepper === null) throw new UsageError(`${path.join(folder, 'pepper')} is missing: restore it, or start the gateway again.`)
    return { url: held.url, isOwner: false, pepper, close: async () => await held.close() }
  }
  try {
    const pepper = await keepSecret(path.join(folder, 'pepper'))
    const server = await startServer(folder, { connectionsMax, logger })
    held.offer(server.url)
    return { url: server.url, isOwner: true, pepper, close: closeOnce(held, server, role) }
  } catch (err) {
    await held.release()
    throw err
  }
}

/** Whether an embedded database was ever opened in this data folder. Makes nothing. */
export async function hasEmbedded (dataDir: string): Promise<boolean> {
  return await access(path.join(dataDir, 'pepper')).then(() => true, () => false)
}

async function startServer (folder: string, { connectionsMax, logger }: Required<Pick<EmbeddedOptions, 'connectionsMax' | 'logger'>>): Promise<EmbeddedServer> {
  const { clusterFolder, copyFolder, user } = await findPlace(folder, logger)
  const binaries = await prepareBinaries({ user, copyFolder })
  const passwordFile = path.join(folder, 'postgres.password')
  if (await readSecret(passwordFile) === null && await hasCluster(clusterFolder)) {
    throw new UsageError(`${passwordFile} is missing, without which the database in ${clusterFolder} can't be opened: restore it.`)
  }
  const password = (await keepSecret(passwordFile)).toString('hex')
  await ensureCluster({ binaries, folder: clusterFolder, password, user })
  const logFile = path.join(folder, 'postgres.log')
  await makeLogFile(folder, logFile)
  const server = new EmbeddedServer({ binaries, clusterFolder, logFile, password, user, connectionsMax, logger })
  await server.start()
  return server
}

function closeOnce (ownership: Ownership, server: EmbeddedServer, role: Role): () => Promise<void> {
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => {
    await ownership.drain(drainMs[role])
    try {
      await server.stop()
    } finally {
      // Not earlier: the next owner starts a server on the same files.
      await ownership.release()
    }
  }
  return async () => await (closing ??= close())
}

async function makeDataFolder (dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  return await realpath(dataDir)
}

/** What the file system refuses here is a person's to mend, and nothing to do with the database. */
async function usable (folder: string, how: 'made' | 'written to', use: (folder: string) => Promise<string>): Promise<string> {
  try {
    return await use(folder)
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    throw new UsageError(`The data folder ${folder} can't be ${how} (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}): set LATCHKEY_DATA_DIR.`, { cause })
  }
}

async function makeLogFile (folder: string, logFile: string): Promise<void> {
  const handle = await open(logFile, 'a', 0o600)
  await handle.close()
  await giveToOwnerOf(folder, logFile)
}
