import { generateKey, keyPrefixOf } from '../../src/keys/format.ts'
import type { KeyManager } from '../../src/keys/manager.ts'
import type { Dice } from './dice.ts'
import { History, type KeyState, type SecretHistory } from './history.ts'
import { scopes } from './routes.ts'

/** What a client presents. */
export interface Secret {
  readonly text: string
  readonly history: SecretHistory
}

/** A key's row. */
export interface Row {
  readonly id: number
  /** The one that proves it now. */
  secret: Secret
  /** While one change of it is under way, there is no other. */
  isBusy: boolean
}

const users = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222', '33333333-3333-4333-8333-333333333333']
const touchedMax = 40

/** Every key of the run: those that are stored, those that were, and some that may be one day. */
export class Population {
  readonly rows = new Map<number, Row>()
  /** Asked before they exist, so that they are known as unknown. */
  readonly unborn: Secret[] = []
  readonly deletedKeyIds = new Set<number>()
  readonly #secrets: Secret[] = []
  /** Changed last, or about to be: the ones to ask for. */
  readonly #touched: Secret[] = []
  #names = 0

  /** Half of a hundred keys are asked as often as all others. */
  pickSecret (dice: Dice): Secret {
    if (this.#touched.length > 0 && dice.chance(0.3)) return dice.pick(this.#touched)
    if (this.unborn.length > 0 && dice.chance(0.04)) return dice.pick(this.unborn)
    return this.#secrets[dice.chance(0.5) ? dice.whole(0, Math.min(99, this.#secrets.length - 1)) : dice.whole(0, this.#secrets.length - 1)] as Secret
  }

  /** A row that no change is under way of; null where a few tries found none. */
  pickRow (dice: Dice): Row | null {
    for (let tries = 0; tries < 20; tries++) {
      const { history } = this.pickSecret(dice)
      const row = history.latest === null ? undefined : this.rows.get(history.latest.keyId)
      if (row !== undefined && !row.isBusy) return row
    }
    return null
  }

  /** A secret without a row. */
  conceive (): Secret {
    const text = generateKey({ brand: 'sk', environment: 'live' })
    return { text, history: new History(`${++this.#names} (${keyPrefixOf(text)}…)`, null) }
  }

  addUnborn (): void {
    this.unborn.push(this.conceive())
  }

  /** A key whose row is there already. */
  addStored (text: string, state: KeyState): void {
    const secret = { text, history: new History(`${++this.#names} (${keyPrefixOf(text)}…)`, state as KeyState | null) }
    this.addRow(state.keyId, secret)
  }

  addRow (id: number, secret: Secret): Row {
    const row = { id, secret, isBusy: false }
    this.rows.set(id, row)
    this.#secrets.push(secret)
    return row
  }

  /** The row is proven by another secret from now on; the old one is still asked. */
  addSecret (secret: Secret): void {
    this.#secrets.push(secret)
  }

  touch (secret: Secret): void {
    this.#touched.push(secret)
    if (this.#touched.length > touchedMax) this.#touched.shift()
  }

  newUserId (dice: Dice): string {
    return dice.pick(users)
  }

  /** `manager` also makes the users, at their first key. */
  async settle (manager: KeyManager, dice: Dice, count: number): Promise<void> {
    for (const user of users) await this.#make(manager, dice, user)
    const lanes = Array.from({ length: 5 }, async () => {
      while (this.rows.size < count) await this.#make(manager, dice, this.newUserId(dice))
    })
    await Promise.all(lanes)
    for (let i = 0; i < 20; i++) this.addUnborn()
  }

  async #make (manager: KeyManager, dice: Dice, userId: string): Promise<void> {
    const held = someScopes(dice).filter(scope => scope !== 'Not a scope')
    const { key, apiKey } = await manager.create({ user: userId, name: 'chaos', scopes: held })
    this.addStored(key, { keyId: apiKey.id, userId, scopes: apiKey.scopes, isActive: true, isRevoked: false, expiresAtMs: null })
  }
}

export function someScopes (dice: Dice): string[] {
  return dice.shuffled(scopes).slice(0, dice.whole(0, 3))
}
