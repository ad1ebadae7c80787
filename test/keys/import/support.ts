import { randomBytes } from 'node:crypto'
import { Peppers } from '../../../src/keys/digest.ts'
import { importKeys, type ImportOptions, type ImportResult, RowsRefusedError, type RowSource } from '../../../src/keys/import/importer.ts'
import { objectRows } from '../../../src/keys/import/turns.ts'
import type { Actor } from '../../../src/keys/manager.ts'
import type { KeysConfig } from '../../../src/config/config.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { keysConfig } from '../support.ts'

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A hash as bcrypt writes it, of nobody knows what: making a real one takes longer. */
export function madeUpHash (variant = '2b', cost = '10'): string {
  const texts = Array.from(randomBytes(53), (byte, i) => alphabet.charAt(i === 21 ? byte & 48 : i === 52 ? byte & 60 : byte & 63))
  return `$${variant}$${cost}$${texts.join('')}`
}

/** A row without faults. */
export function row (fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { userId: 'ada@example.com', name: 'Reporting', scopes: ['inventory:read'], keyHash: madeUpHash(), keyPrefix: 'acme_a1b2', ...fields }
}

export interface TestImport extends ImportOptions {
  readonly config?: Partial<KeysConfig>
  readonly actor?: Actor | null
  readonly peppers?: Peppers
}

export async function importRows ({ pool }: Pick<TestDatabase, 'pool'>, rows: readonly unknown[] | RowSource, { config = {}, actor = null, peppers = new Peppers([]), ...options }: TestImport = {}): Promise<ImportResult> {
  const source = Array.isArray(rows) ? objectRows(rows) : rows as RowSource
  return await importKeys({ pool, peppers, config: { ...keysConfig, ...config }, actor }, source, options)
}

/** The faults, as `line field: detail`, for which nothing was imported. */
export async function refusalOf (importing: Promise<ImportResult>): Promise<string[]> {
  try {
    await importing
  } catch (err) {
    if (err instanceof RowsRefusedError) return err.faults.map(({ line, field, detail }) => `${line} ${field}: ${detail}`)
    throw err
  }
  throw new Error('the rows were imported')
}
