import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { KeyWithSecret, Once } from '../../keys/manager.ts'
import { ApiError } from './failure.ts'

export interface IdempotentRequest {
  /** The bearer token as it was presented. */
  readonly token: string
  /** The Idempotency-Key. */
  readonly name: string
  /** All that tells one request from another: method, path and body. */
  readonly request: string
}

/**
 * A change that is made once, however often it is asked for by one token with one Idempotency-Key within a day. What
 * came of it is kept in the change's own transaction, encrypted under a key that is made of token and Idempotency-Key,
 * neither of which the database has: a copy of the table gives no key away.
 */
export class OnceByKey implements Once<KeyWithSecret> {
  readonly #id: Buffer
  readonly #cipherKey: Buffer
  readonly #requestDigest: Buffer

  constructor ({ token, name, request }: IdempotentRequest) {
    this.#id = digest(token, 'latchkey idempotent request', name)
    this.#cipherKey = digest(token, 'latchkey idempotent answer', name)
    this.#requestDigest = createHmac('sha256', this.#cipherKey).update(request).digest()
  }

  async earlier (client: pg.Pool | pg.ClientBase): Promise<KeyWithSecret | null> {
    // One type for both, whose overloads TypeScript doesn't unite.
    const { rows: [earlier] } = await (client as pg.Pool).query<{ request_digest: Buffer, answer: Buffer }>(
      `select request_digest, answer from latchkey.idempotent_requests where id = $1 and created_at >= ${forgottenBeforeSql}`, [this.#id])
    if (earlier === undefined) return null
    if (!earlier.request_digest.equals(this.#requestDigest)) throw new ApiError('idempotency_key_reused')
    // Its times stay the text that they were sent as: whoever gets this sends it again.
    return JSON.parse(decrypt(this.#cipherKey, earlier.answer)) as KeyWithSecret
  }

  async begin (client: pg.ClientBase): Promise<KeyWithSecret | null> {
    await client.query(`delete from latchkey.idempotent_requests where created_at < ${forgottenBeforeSql}`)
    // Waits for a first one that is under way, and then finds its row, or not, had it failed.
    const { rowCount } = await client.query(
      'insert into latchkey.idempotent_requests (id, request_digest) values ($1, $2) on conflict (id) do nothing', [this.#id, this.#requestDigest])
    if (rowCount === 1) return null
    const earlier = await this.earlier(client)
    if (earlier === null) throw new Error('an idempotent request vanished while it was asked for')
    return earlier
  }

  async end (client: pg.ClientBase, result: KeyWithSecret): Promise<void> {
    await client.query('update latchkey.idempotent_requests set answer = $2 where id = $1', [this.#id, encrypt(this.#cipherKey, JSON.stringify(result))])
  }
}

const forgottenBeforeSql = "pg_catalog.now() - '1 day'::interval"
const nonceBytes = 12
const tagBytes = 16

function digest (token: string, purpose: string, name: string): Buffer {
  return createHmac('sha256', token).update(`${purpose}\0${name}`).digest()
}

/** AES-256-GCM: nonce, tag, ciphertext. */
function encrypt (key: Buffer, text: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext])
}

function decrypt (key: Buffer, sealed: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes))
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8')
}
