import { hash } from 'node:crypto'
import { RowsHiddenError } from '../database/hidden-rows.ts'
import type { DatabasePool, PreparedQuery } from '../database/pool.ts'
import type { Answers } from './look-ups.ts'
import { SharedValues } from './shared-values.ts'
import { type CandidateRow, type EarlierSecret, type Found, type FoundAnywhere, hidesEarlierSecrets, hidesKeys, type Row, type RowWithEarlier, statements } from './store-statements.ts'
import type { Grace, KeyRecord } from './verification.ts'

/** A key with the hash that its secret must match; the hash never leaves keys/. */
export interface StoredKey {
  readonly record: KeyRecord
  readonly keyHash: string
  /** The pepper of the stored digest; null without one. */
  readonly pepperId: string | null
}

/** A row that may be the presented key's. */
export interface Candidate extends StoredKey {
  /** Its digest is the key's: bcrypt has nothing to prove. */
  readonly isProven: boolean
}

/** A key as it is, with all secrets that it may be used with. */
export interface StoredSecrets {
  readonly present: StoredKey
  /** In their grace. */
  readonly earlier: readonly StoredKey[]
  /** Whether there may be others, which row-level security hides. */
  readonly hidesEarlier: boolean
}

const noScopes: readonly string[] = Object.freeze([])
const noSecrets: readonly StoredKey[] = Object.freeze([])
/** Of what the first use of a key asks, with no key's digest; the lists are as long as in a rush, which is what they are planned for. */
export const firstUseQueries: readonly PreparedQuery[] = [
  { statement: statements.byDigest, values: [noDigest(0)] },
  { statement: statements.byDigests, values: [Array.from({ length: 64 }, (_, i) => noDigest(i))] },
]

/** What verification asks of Postgres. */
export class KeyStore {
  readonly #pool: DatabasePool
  readonly #shared = new SharedValues()

  constructor (pool: DatabasePool) {
    this.#pool = pool
  }

  /** Touches the tables, so that a missing one, a missing right or hidden rows show as well. */
  async ping (): Promise<void> {
    const { rows } = await this.#pool.query<FoundAnywhere>(`
      select ${hidesKeys} as hides_rows, ${hidesEarlierSecrets} as hides_earlier,
        exists (select from public.api_keys), exists (select from latchkey.earlier_secrets)`)
    demandAllRows(rows[0])
  }

  /** All peppers' digests of one key. `key_lookup` is unique, so this is one probe of an index for each. */
  async findByDigest (digests: readonly Buffer[]): Promise<StoredKey | null> {
    if (digests.length !== 1) return (await this.findByDigests([digests]))(0)
    const [row] = await this.#pool.read<Row>(statements.byDigest, [digests[0]])
    return row === undefined ? null : this.#storedKeyOf(row, null)
  }

  /** The same for many keys. */
  async findByDigests (asked: readonly (readonly Buffer[])[]): Promise<Answers<StoredKey>> {
    const rows = await this.#pool.read<Row & { key_lookup: Buffer }>(statements.byDigests, [asked.flat()])
    const found = new Map(rows.map((row) => [row.key_lookup.toString('latin1'), row]))
    return (place) => {
      for (const digest of asked[place] ?? []) {
        const row = found.get(digest.toString('latin1'))
        if (row !== undefined) return this.#storedKeyOf(row, null)
      }
      return null
    }
  }

  /**
   * Rows that only bcrypt can prove: those without a digest, or with one of a pepper that is no longer listed. Other
   * systems store prefixes of other lengths and with a display's trailing dots, hence the expression, which is that of
   * the index. The longest prefix is the likeliest; among equals, a usable key is. Earlier secrets in their grace are
   * found here, too, so that what is looked for first needn't ask for them: by their digest, which comes before all
   * others, or in the same way.
   *
   * This is the last look for a key: where row-level security may hide its row, it rejects with RowsHiddenError, as
   * "not found" would refuse every key there is.
   */
  async findCandidates ({ prefixes, digests, listedPepperIds, limit }: {
    readonly prefixes: readonly string[]
    readonly digests: readonly Buffer[]
    readonly listedPepperIds: readonly string[]
    readonly limit: number
  }): Promise<Candidate[]> {
    const rows = await this.#pool.read<FoundAnywhere & (CandidateRow | { id: null })>(statements.byPrefix, [prefixes, listedPepperIds, limit, digests])
    demandAllRows(rows[0])
    return rows.filter((row) => row.id !== null).map((row) => ({ ...this.#storedKeyOf(row, graceOf(row)), isProven: row.is_proven }))
  }

  async findById (id: number): Promise<StoredSecrets | null> {
    const [row] = await this.#pool.read<RowWithEarlier>(statements.byId, [id])
    return row === undefined ? null : this.#secretsOf(row)
  }

  /** The same for many ids: one that isn't there may only be hidden. */
  async findEachById (ids: readonly number[]): Promise<Answers<StoredSecrets>> {
    const rows = await this.#pool.read<Found & (RowWithEarlier | { id: null })>(statements.byIds, [ids])
    const found = new Map(rows.map((row) => [row.id, row]))
    return (place) => {
      const row = found.get(ids[place] ?? null)
      return row === undefined || row.id === null ? null : this.#secretsOf(row)
    }
  }

  /** By id, those that there are. Rejects with RowsHiddenError where one that is missing may only be hidden. */
  async findByIds (ids: readonly number[]): Promise<Map<number, StoredSecrets>> {
    const rows = await this.#pool.read<Found & (RowWithEarlier | { id: null })>(statements.byIds, [ids])
    const found = rows.filter((row) => row.id !== null).map((row) => this.#secretsOf(row))
    if (found.length < ids.length && rows[0]?.hides_rows !== false) throw new RowsHiddenError('api_keys')
    return new Map(found.map((secrets) => [secrets.present.record.id, secrets]))
  }

  /** False when the row's hash is no longer the one that was proven: then the digest isn't its own. */
  async writeDigest ({ id, grace }: Pick<KeyRecord, 'id' | 'grace'>, provenHash: string, digest: Buffer, pepperId: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `update ${grace === null ? 'public.api_keys' : 'latchkey.earlier_secrets'} set key_lookup = $3, pepper_id = $4
       where id = $1::bigint and key_hash::text = $2::text`, [grace === null ? id : grace.id, provenHash, digest, pepperId])
    return rowCount === 1
  }

  #secretsOf (row: RowWithEarlier): StoredSecrets {
    const present = this.#storedKeyOf(row, null)
    return { present, earlier: row.earlier === null ? noSecrets : earlierSecretsOf(present, row.earlier), hidesEarlier: row.hides_earlier }
  }

  #storedKeyOf (row: Row, grace: Grace | null): StoredKey {
    return {
      keyHash: row.key_hash,
      pepperId: row.pepper_id,
      record: Object.freeze({
        id: row.id,
        secretId: secretIdOf(row.key_hash),
        userId: row.user_id ?? '',
        prefix: row.key_prefix ?? '',
        name: row.name ?? '',
        scopes: row.scopes === null ? noScopes : this.#shared.list(row.scopes, scopesIn),
        environment: row.environment === null ? null : this.#shared.text(row.environment),
        isActive: row.is_active,
        revokedAtMs: row.revoked_at_ms,
        expiresAtMs: row.expires_at_ms,
        grace,
      }),
    }
  }
}

/** The key with the secret of this id, whether it is the present one or an earlier one; null: it has no such secret. */
export function secretOf ({ present, earlier }: StoredSecrets, secretId: string): StoredKey | null {
  if (present.record.secretId === secretId) return present
  return earlier.find(({ record }) => record.secretId === secretId) ?? null
}

/** What wasn't found may be what isn't shown. */
function demandAllRows (found: FoundAnywhere | undefined): void {
  if (found?.hides_rows !== false) throw new RowsHiddenError('api_keys')
  if (found.hides_earlier) throw new RowsHiddenError('latchkey.earlier_secrets')
}

function graceOf (row: CandidateRow): Grace | null {
  return row.grace_id === null ? null : { id: row.grace_id, sinceMs: row.grace_since_ms!, endsAtMs: row.grace_ends_at_ms! }
}

function earlierSecretsOf ({ record }: StoredKey, json: string): StoredKey[] {
  const secrets: EarlierSecret[] = JSON.parse(json)
  return secrets.map(([id, keyHash, pepperId, sinceMs, endsAtMs]) => ({
    keyHash,
    pepperId,
    record: Object.freeze({ ...record, secretId: secretIdOf(keyHash), grace: { id, sinceMs: Number(sinceMs), endsAtMs: Number(endsAtMs) } }),
  }))
}

/** One byte: a digest has 32. */
function noDigest (i: number): Buffer {
  return Buffer.from([i])
}

/** As many characters as bytes. */
function secretIdOf (keyHash: string): string {
  return hash('sha256', keyHash, 'binary')
}

function scopesIn (json: string): string[] {
  return scopesOf(JSON.parse(json))
}

/** NULL elements and nested arrays, which text[] allows, grant nothing. */
export function scopesOf (stored: unknown): string[] {
  return Array.isArray(stored) ? stored.filter((scope) => typeof scope === 'string') : []
}
