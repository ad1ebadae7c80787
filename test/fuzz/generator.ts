import { checksumOf } from '../../src/keys/format.ts'
import { Dice } from './dice.ts'
import { type Credential, message } from './messages.ts'
import { mutate } from './mutations.ts'

export interface FuzzCase {
  readonly index: number
  /** As written, in so many pieces. */
  readonly pieces: readonly Buffer[]
  readonly bytes: Buffer
  /** How often the valid key stands in the bytes: no more requests than that may be admitted. */
  readonly keysMax: number
  /** The client closes its side when answers have stopped to come, or as soon as it has written all; or it resets the connection. */
  readonly end: 'patient' | 'half-close' | 'reset'
}

/** Keys that the gateway refuses: of its format but unknown, mistyped, of another brand, without the right. */
export interface Keys {
  readonly valid: string
  /** Without the scope that the routes ask for. */
  readonly powerless: string
}

const unknownKey = 'sk_live_00000000000000000000000000000000'
const junk = [unknownKey + checksumOf(unknownKey), 'sk_live_short', 'pk_live_0123456789', '', 'null', 'é', 'sk_test_11111111111111111111111111111111000000']

const ends = ['patient', 'patient', 'patient', 'patient', 'patient', 'patient', 'patient', 'half-close', 'half-close', 'reset'] as const

/** The case that seed and index name. Three in five hold no valid key. Keys have one length, so each run's cases are the same but for them. */
export function makeCase (seed: number, index: number, keys: Keys): FuzzCase {
  const dice = new Dice(seed, index)
  const hasKeys = dice.chance(0.4)
  const credential: Credential = () => credentialLines(dice, hasKeys && dice.chance(0.8) ? keys.valid : dice.chance(0.4) ? keys.powerless : dice.pick(junk))
  const mutations = dice.pick([0, 0, 0, 1, 1, 1, 2, 5])
  let text = dice.chance(0.03)
    ? dice.bytes(dice.below(400)).toString('latin1')
    : Array.from({ length: dice.pick([1, 1, 1, 2, 3, 5]) }, () => message(dice, credential)).join('')
  for (let count = 0; count < mutations; count++) text = mutate(dice, text)
  const bytes = Buffer.from(text, 'latin1')
  return { index, bytes, pieces: inPieces(dice, bytes), keysMax: text.split(keys.valid).length - 1, end: dice.pick(ends) }
}

function credentialLines (dice: Dice, key: string): string[] {
  switch (dice.below(10)) {
    case 0: return []
    case 1: return [`Authorization: Bearer ${key}`]
    case 2: return [`authorization: bearer\t${key}`]
    case 3: return [`x-api-key: ${key}`, `Authorization: Bearer ${key}`]
    case 4: return [`X-API-KEY:${key}`]
    default: return [`x-api-key: ${key}`]
  }
}

function inPieces (dice: Dice, bytes: Buffer): Buffer[] {
  const cuts = [0, ...Array.from({ length: dice.pick([0, 0, 1, 3, 8]) }, () => dice.below(bytes.length + 1)), bytes.length].sort((one, other) => one - other)
  const pieces: Buffer[] = []
  for (let i = 1; i < cuts.length; i++) pieces.push(bytes.subarray(cuts[i - 1]!, cuts[i]!))
  return pieces.filter(piece => piece.length > 0)
}
