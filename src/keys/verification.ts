/**
 * What became of a presented key. `unknown` covers wrong secrets and environments that aren't admitted; `unavailable`
 * means that the store can't be asked, `busy` that too much is waiting, `throttled` that who sent it has sent too many
 * invalid ones to have another looked up now: none of them says anything about the key.
 */
export type KeyStatus = 'valid' | 'malformed' | 'unknown' | 'disabled' | 'revoked' | 'expired' | 'unavailable' | 'busy' | 'throttled'

/** A key's row as the gateway needs it, with one of its secrets: no hash, no digest. */
export interface KeyRecord {
  readonly id: number
  /** Of the hash that proves the presented secret: another one for each secret of the key. Says nothing of either. */
  readonly secretId: string
  readonly userId: string
  readonly prefix: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly isActive: boolean
  readonly revokedAtMs: number | null
  readonly expiresAtMs: number | null
  /** Non-null where the presented secret is an earlier one, which a rotation replaced and which works until its grace ends. */
  readonly grace: Grace | null
}

/** Of a secret that was replaced: how long it still works beside the present one. */
export interface Grace {
  /** Of its row in `latchkey.earlier_secrets`. */
  readonly id: number
  /** When it was replaced. */
  readonly sinceMs: number
  readonly endsAtMs: number
}

export interface Verification {
  readonly status: KeyStatus
  /** Non-null exactly when the secret was proven: valid, disabled, revoked, expired. */
  readonly key: KeyRecord | null
}

/** The answers that carry no key, made once. */
export const without = {
  malformed: { status: 'malformed', key: null },
  unknown: { status: 'unknown', key: null },
  unavailable: { status: 'unavailable', key: null },
  busy: { status: 'busy', key: null },
  throttled: { status: 'throttled', key: null },
} as const satisfies Record<string, Verification>
