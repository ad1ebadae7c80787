import { randomFillSync } from 'node:crypto'

const poolSize = 256
/** By the characters of a form, what each place may be: sixteen, so that half a byte chooses one. */
const choicesOf: Readonly<Record<string, string>> = { x: '0123456789abcdef', y: '89ab89ab89ab89ab' }
const choicesOfPlace = 16

/**
 * Makes ids of random hex digits in a fixed form, many at a time: one then costs little more than cutting it out of a
 * text. In `form`, each x stands for a random digit, a y for one of 8, 9, a and b, and anything else for itself.
 */
export class HexIds {
  readonly #length: number
  /** Of each place in turn. */
  readonly #choices: Buffer
  readonly #random: Uint8Array
  readonly #characters: Buffer
  #pool = ''
  #used = 0

  constructor (form: string) {
    this.#length = form.length
    this.#choices = Buffer.from(Array.from(form, character => choicesOf[character] ?? character.repeat(choicesOfPlace)).join(''), 'latin1')
    this.#random = new Uint8Array(form.length * poolSize)
    this.#characters = Buffer.alloc(form.length * poolSize)
  }

  next (): string {
    if (this.#used === this.#pool.length) this.#fill()
    const at = this.#used
    this.#used = at + this.#length
    return this.#pool.slice(at, this.#used)
  }

  #fill (): void {
    const characters = this.#characters
    const random = randomFillSync(this.#random)
    const choices = this.#choices
    for (let at = 0, place = 0; at < characters.length; at++, place += choicesOfPlace) {
      if (place === choices.length) place = 0
      characters[at] = choices[place + (random[at]! & (choicesOfPlace - 1))]!
    }
    this.#pool = characters.toString('latin1')
    this.#used = 0
  }
}
