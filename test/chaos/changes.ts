import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { BcryptPool } from '../../src/keys/bcrypt.ts'
import { keyPrefixOf } from '../../src/keys/format.ts'
import type { KeyManager } from '../../src/keys/manager.ts'
import { until } from '../support/until.ts'
import type { Dice } from './dice.ts'
import { type Change, History, type KeyState, type SecretState } from './history.ts'
import { type Population, type Row, type Secret, someScopes } from './population.ts'

/** The database that changes are made on: always straight, never over the ways on which faults are played. */
export interface Registry {
  readonly pool: pg.Pool
  readonly manager: KeyManager
}

export interface ChangesOptions {
  readonly population: Population
  /** Another one after a failover. */
  readonly registry: () => Registry
  readonly bcrypt: BcryptPool
  readonly dice: Dice
  readonly perSecond: number
}

const kinds = {
  disable: 6,
  enable: 8,
  revoke: 4,
  restore: 3,
  scopes: 10,
  'expire soon': 4,
  'expire now': 3,
  'expire never': 5,
  'replace secret': 5,
  delete: 2,
  create: 1,
  'create asked': 3,
  bulk: 0.5,
}
export type ChangeKind = keyof typeof kinds

const lanes = 3
const bulkSize = 120

/** Changes keys all the time, by the manager and by straight SQL, and writes down what was in force when. */
export class Changes {
  readonly counts: Partial<Record<ChangeKind, number>> = {}
  /** Changes whose outcome nobody knows: their keys are left alone from then on, both states being right. */
  readonly unknown: string[] = []
  readonly bulk = new History<null>('all keys', null)
  readonly #options: ChangesOptions
  readonly #underWay = new Set<number>()
  #running: Promise<unknown> = Promise.resolve()
  #isPaused = false
  #isStopped = false

  constructor (options: ChangesOptions) {
    this.#options = options
  }

  /** When the oldest change began that wasn't acknowledged yet. */
  get unsettledSinceMs (): number {
    return Math.min(Infinity, ...this.#underWay)
  }

  start (): void {
    this.#running = Promise.all(Array.from({ length: lanes }, () => this.#run()))
  }

  /** Resolves once no change is under way; none begins until `resume`. */
  async pause (): Promise<void> {
    this.#isPaused = true
    await until(() => this.#underWay.size === 0, 'no change is under way', { timeoutMs: 60_000 })
  }

  resume (): void {
    this.#isPaused = false
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run (): Promise<void> {
    const { dice, perSecond } = this.#options
    while (!this.#isStopped) {
      await delay(lanes * 1000 / perSecond * (0.5 + dice.whole(0, 100) / 100))
      if (this.#isPaused || this.#isStopped) continue
      const kind = dice.weighted(kinds)
      let beganMs = Date.now()
      while (this.#underWay.has(beganMs)) beganMs -= 0.001
      this.#underWay.add(beganMs)
      try {
        await this.#make(kind)
        this.counts[kind] = (this.counts[kind] ?? 0) + 1
      } catch (err) {
        this.unknown.push(`${kind}: ${String(err)}`)
      } finally {
        this.#underWay.delete(beganMs)
      }
    }
  }

  async #make (kind: ChangeKind): Promise<void> {
    const { population, dice } = this.#options
    if (kind === 'create') return await this.#create()
    if (kind === 'create asked') return await this.#createAsked()
    if (kind === 'bulk') return await this.#changeMany()
    const row = population.pickRow(dice)
    if (row === null) return
    row.isBusy = true
    population.touch(row.secret)
    if (kind === 'replace secret') await this.#replaceSecret(row)
    else if (kind === 'delete') await this.#delete(row)
    else await this.#changeState(kind, row)
    // Not where it failed: what became of the row is unknown then.
    row.isBusy = false
  }

  async #changeState (kind: Exclude<ChangeKind, 'create' | 'create asked' | 'bulk' | 'replace secret' | 'delete'>, row: Row): Promise<void> {
    const { dice, registry } = this.#options
    const { pool, manager } = registry()
    const state = row.secret.history.latest as KeyState
    const byManager = dice.chance(0.5)
    const by = (text: string) => `${text}${byManager ? ' by manager' : ' by SQL'}`
    const sql = async (assignments: string, value?: unknown) => await pool.query(`update api_keys set ${assignments} where id = $1`, value === undefined ? [row.id] : [row.id, value])
    switch (kind) {
      case 'disable':
        return await this.#change(row.secret, by(kind), { ...state, isActive: false }, async () => byManager ? await manager.disable(row.id) : await sql('is_active = false'))
      case 'enable':
        if (state.isRevoked) return
        return await this.#change(row.secret, by(kind), { ...state, isActive: true }, async () => byManager ? await manager.enable(row.id) : await sql('is_active = true'))
      case 'revoke':
        return await this.#change(row.secret, by(kind), { ...state, isRevoked: true, isActive: false }, async () => byManager ? await manager.revoke(row.id) : await sql('revoked_at = now(), is_active = false'))
      case 'restore':
        return await this.#change(row.secret, kind, { ...state, isRevoked: false, isActive: true }, async () => await sql('revoked_at = null, is_active = true'))
      case 'scopes': {
        const scopes = someScopes(dice).filter(scope => !byManager || scope !== 'Not a scope')
        return await this.#change(row.secret, by(kind), { ...state, scopes }, async () => byManager ? await manager.update(row.id, { scopes }) : await sql('scopes = $2', scopes))
      }
      case 'expire soon': {
        const expiresAt = new Date(Date.now() + dice.whole(1_000, 6_000))
        return await this.#change(row.secret, by(kind), { ...state, expiresAtMs: expiresAt.getTime() }, async () => byManager ? await manager.update(row.id, { expiresAt }) : await sql('expires_at = $2', expiresAt))
      }
      case 'expire now': {
        const expiresAt = new Date(Date.now() - 1_000)
        return await this.#change(row.secret, kind, { ...state, expiresAtMs: expiresAt.getTime() }, async () => await sql('expires_at = $2', expiresAt))
      }
      case 'expire never':
        return await this.#change(row.secret, by(kind), { ...state, expiresAtMs: null }, async () => byManager ? await manager.update(row.id, { expiresAt: null }) : await sql('expires_at = null'))
    }
  }

  /** What anybody can do who may write the table: the old secret must be worth nothing from then on. */
  async #replaceSecret (row: Row): Promise<void> {
    const { population, bcrypt, registry } = this.#options
    const next = population.conceive()
    const hash = await bcrypt.hash(next.text, 4)
    const before = row.secret
    const state = before.history.latest
    const changes = [before.history.begin('secret replaced', null), next.history.begin('replaces another secret', state)] as const
    population.addSecret(next)
    population.touch(next)
    await registry().pool.query('update api_keys set key_hash = $2, key_prefix = $3 where id = $1', [row.id, hash, keyPrefixOf(next.text)])
    before.history.settle(changes[0])
    next.history.settle(changes[1])
    row.secret = next
  }

  async #delete (row: Row): Promise<void> {
    const { population, registry } = this.#options
    population.deletedKeyIds.add(row.id)
    await this.#change(row.secret, 'delete', null, async () => await registry().pool.query('delete from api_keys where id = $1', [row.id]))
    population.rows.delete(row.id)
  }

  async #create (): Promise<void> {
    const { population, dice, registry } = this.#options
    const userId = population.newUserId(dice)
    const scopes = someScopes(dice).filter(scope => scope !== 'Not a scope')
    const { key, apiKey } = await registry().manager.create({ user: userId, name: 'chaos', scopes })
    population.addStored(key, { keyId: apiKey.id, userId, scopes: apiKey.scopes, isActive: true, isRevoked: false, expiresAtMs: null })
  }

  /** By SQL and without a digest, under a secret that the gateways know as unknown. */
  async #createAsked (): Promise<void> {
    const { population, bcrypt, dice, registry } = this.#options
    const secret = population.unborn.shift()
    if (secret === undefined) return
    population.addUnborn()
    const { pool } = registry()
    const hash = await bcrypt.hash(secret.text, 4)
    const { rows } = await pool.query<{ id: number }>("select nextval(pg_get_serial_sequence('api_keys', 'id'))::int as id")
    const keyId = rows[0]?.id ?? NaN
    const state = { keyId, userId: population.newUserId(dice), scopes: someScopes(dice), isActive: true, isRevoked: false, expiresAtMs: null }
    population.touch(secret)
    const row = population.addRow(keyId, secret)
    row.isBusy = true
    await this.#change(secret, 'create asked', state, async () => await pool.query(
      "insert into api_keys (id, user_id, key_hash, key_prefix, name, scopes, environment) values ($1, $2, $3, $4, 'chaos', $5, 'live')",
      [keyId, state.userId, hash, keyPrefixOf(secret.text), state.scopes]))
    row.isBusy = false
  }

  /** One statement for so many keys that the notification names none. */
  async #changeMany (): Promise<void> {
    const { population, dice, registry } = this.#options
    const rows = dice.shuffled([...population.rows.values()].filter(({ isBusy }) => !isBusy)).slice(0, bulkSize)
    for (const row of rows) row.isBusy = true
    const isActive = dice.chance(0.6)
    const changes = rows.map(({ secret: { history } }) => {
      const state = history.latest as KeyState
      return { history, change: history.begin('bulk', { ...state, isActive: isActive && !state.isRevoked }) }
    })
    const bulk = this.bulk.begin('bulk', null)
    await registry().pool.query('update api_keys set is_active = $2 and revoked_at is null where id = any($1)', [rows.map(({ id }) => id), isActive])
    for (const { history, change } of changes) history.settle(change)
    this.bulk.settle(bulk)
    for (const row of rows) row.isBusy = false
  }

  async #change ({ history }: Secret, what: string, state: SecretState, apply: () => Promise<unknown>): Promise<void> {
    const change: Change<SecretState> = history.begin(what, state)
    await apply()
    history.settle(change)
  }
}
